/* SPDX-License-Identifier: Apache-2.0 */
/* What was said, in every dialect. Each case is a sentence or a table's row of the description of that dialect;
 * what is expected is written from there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/talk_case.h"

/* ---- OpenTelemetry's own, G2 ---------------------------------------------------------------------------- */

#define G2_INPUT                                                                                   \
    "[{'role':'system','parts':[{'type':'text','content':'Be brief.'}]},"                          \
    "{'role':'user','parts':[{'type':'text','content':'Weather in Paris?'}]},"                     \
    "{'role':'assistant','parts':[{'type':'tool_call','id':'call_1','name':'get_weather',"         \
    "'arguments':{'location':'Paris'}}]},"                                                         \
    "{'role':'tool','parts':[{'type':'tool_call_response','id':'call_1','response':'rainy, 57F'}]}]"
#define G2_INPUT_KEPT                                                                              \
    "[{'role':'system','text':'Be brief.'},{'role':'user','text':'Weather in Paris?'},"            \
    "{'role':'assistant','tool_calls':[{'id':'call_1','type':'function','function':{'name':"       \
    "'get_weather','arguments':'{\\'location\\':\\'Paris\\'}'}}]},"                                \
    "{'role':'tool','tool_call_id':'call_1','tool_returns':[{'tool_call_id':'call_1','status':"    \
    "'success','func_response':'rainy, 57F'}]}]"

/* `json` as a JSON text inside a case: its quotes escaped once. */
static char *escaped(const char *json)
{
    char *out = malloc(4 * strlen(json) + 1);
    size_t n = 0;

    for (const char *c = json; *c; c++) {
        if (*c == '\'' || *c == '\\') {
            out[n++] = '\\';
        }
        out[n++] = *c;
    }
    out[n] = 0;
    return out;
}

/* The attribute holds the document in all ways it may come: native, as a JSON text, and as one in another. */
static void talk_document_case(const char *key, const char *document, const char *expected)
{
    char *once = escaped(document);
    char *quoted = NULL;
    char *twice = NULL;
    char *told = NULL;

    assert_true(asprintf(&told, "{'attributes':{'%s':%s}}", key, document) > 0);
    talk_case(told, expected);
    free(told);
    assert_true(asprintf(&told, "{'attributes':{'%s':'%s'}}", key, once) > 0);
    talk_case(told, expected);
    free(told);
    assert_true(asprintf(&quoted, "'%s'", once) > 0);
    twice = escaped(quoted);
    assert_true(asprintf(&told, "{'attributes':{'%s':'%s'}}", key, twice) > 0);
    talk_case(told, expected);
    free(told);
    free(twice);
    free(quoted);
    free(once);
}

static void g2_messages_in_three_encodings(void **state)
{
    (void)state;
    talk_document_case("gen_ai.input.messages", G2_INPUT, "{'input':" G2_INPUT_KEPT "}");
    talk_document_case(
        "gen_ai.output.messages",
        "[{'role':'assistant','parts':[{'type':'text','content':'one'}],'finish_reason':'stop'},"
        "{'role':'assistant','parts':[{'type':'text','content':'two'}],'finish_reason':'length'}]",
        "{'input':[],'output':[{'role':'assistant','text':'one'},{'role':'assistant','text':"
        "'two'}]}");
}

static void g2_published_examples_say_result(void **state)
{
    (void)state;
    talk_document_case(
        "gen_ai.input.messages",
        "[{'role':'tool','parts':[{'type':'tool_call_response','id':'c','result':{'t':57}}]}]",
        "{'input':[{'role':'tool','tool_call_id':'c','tool_returns':[{'tool_call_id':'c',"
        "'status':'success','func_response':'{\\'t\\':57}'}]}]}");
}

static void g2_parts_of_every_type(void **state)
{
    (void)state;
    /* aGVsbG8= is "hello": 5 bytes, and its SHA-256 is known. */
    talk_document_case(
        "gen_ai.input.messages",
        "[{'role':'user','name':'Ann','parts':["
        "{'type':'text','content':'look'},"
        "{'type':'blob','mime_type':'image/png','modality':'image','content':'aGVsbG8='},"
        "{'type':'uri','mime_type':'audio/wav','modality':'audio','uri':'https://x/y.wav'},"
        "{'type':'file','mime_type':'video/mp4','modality':'video','file_id':'f1'},"
        "{'type':'telepathy','content':[1,{'deep':true}]}]},"
        "{'role':'assistant','parts':[{'type':'reasoning','content':'hm'},"
        "{'type':'server_tool_call','id':'s','name':'web','server_tool_call':{'type':'search'}},"
        "{'type':'text','content':'so'},"
        "{'type':'tool_call','id':null,'name':'f','arguments':'{\\'a\\': 1}'}]}]",
        "{'input':[{'role':'user','name':'Ann','content':[{'type':'text','text':'look'},"
        "{'type':'image','source':{'type':'omitted','bytes':5,'sha256':"
        "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824','media_type':"
        "'image/png'}},"
        "{'type':'audio','source':{'type':'url','url':'https://x/y.wav','media_type':'audio/wav'}},"
        "{'type':'video','source':{'type':'file','file_id':'f1','media_type':'video/mp4'}},"
        "{'type':'telepathy','content':[1,{'deep':true}]}]},"
        "{'role':'assistant','content':[{'type':'reasoning','is_native':true,'reasoning':'hm'},"
        "{'type':'server_tool_call','id':'s','name':'web','server_tool_call':{'type':'search'}},"
        "{'type':'text','text':'so'}],"
        "'tool_calls':[{'id':null,'type':'function','function':{'name':'f','arguments':"
        "'{\\'a\\': 1}'}}]}]}");
}

static void g2_system_instructions_come_first(void **state)
{
    (void)state;
    talk_document_case("gen_ai.system_instructions", "[{'type':'text','content':'Be kind.'}]",
                       "{'input':[{'role':'system','text':'Be kind.'}]}");
    talk_case(
        "{'attributes':{'gen_ai.system_instructions':[{'type':'text','content':'Be kind.'}],"
        "'gen_ai.input.messages':[{'role':'user','parts':[{'type':'text','content':'hi'}]}]}}",
        "{'input':[{'role':'system','text':'Be kind.'},{'role':'user','text':'hi'}]}");
    /* The same as the first message: once. */
    talk_case("{'attributes':{'gen_ai.system_instructions':[{'type':'text','content':'Be kind.'}],"
              "'gen_ai.input.messages':[{'role':'system','parts':[{'type':'text','content':"
              "'Be kind.'}]},{'role':'user','parts':[{'type':'text','content':'hi'}]}]}}",
              "{'input':[{'role':'system','text':'Be kind.'},{'role':'user','text':'hi'}]}");
}

static void g2_tools(void **state)
{
    (void)state;
    talk_document_case("gen_ai.tool.definitions",
                       "[{'type':'function','name':'f','parameters':{'type':'object'}}]",
                       "{'tools':[{'type':'function','name':'f','parameters':{'type':'object'}}]}");
}

static void g2_on_the_details_event(void **state)
{
    (void)state;
    talk_case("{'events':[{'name':'gen_ai.client.inference.operation.details','time':5,"
              "'attributes':{'gen_ai.input.messages':" G2_INPUT ",'gen_ai.output.messages':"
              "[{'role':'assistant','parts':[{'type':'text','content':'ok'}]}]}}]}",
              "{'input':" G2_INPUT_KEPT ",'output':[{'role':'assistant','text':'ok'}]}");
}

static void a_reference_stands_for_what_is_elsewhere(void **state)
{
    (void)state;
    talk_case("{'attributes':{'gen_ai.input.messages_ref':'s3://b/in.json'}}",
              "{'input':[{'role':'user','content':[{'type':'reference','uri':'s3://b/in.json'}]}],"
              "'cut':true}");
}

static void returns_in_a_users_message_are_of_the_tool(void **state)
{
    (void)state; /* Pydantic AI before 6, and Anthropic */
    talk_document_case(
        "gen_ai.input.messages",
        "[{'role':'user','parts':[{'type':'tool_call_response','id':'a','name':'f','result':'1'},"
        "{'type':'tool_call_response','id':'b','name':'g','result':'2'},"
        "{'type':'text','content':'and now?'}]}]",
        "{'input':[{'role':'tool','name':'f','tool_call_id':'a','tool_returns':[{'tool_call_id':"
        "'a','status':'success','func_response':'1'}]},"
        "{'role':'tool','name':'g','tool_call_id':'b','tool_returns':[{'tool_call_id':'b',"
        "'status':'success','func_response':'2'}]},"
        "{'role':'user','text':'and now?'}]}");
}

static void roles_that_are_not_ours_are_names(void **state)
{
    (void)state;
    talk_document_case("gen_ai.input.messages",
                       "[{'role':'developer','parts':[{'type':'text','content':'a'}]},"
                       "{'role':'critic','parts':[{'type':'text','content':'b'}]}]",
                       "{'input':[{'role':'system','text':'a'},"
                       "{'role':'user','name':'critic','text':'b'}]}");
}

/* ---- events, G1 -------------------------------------------------------------------------------------------- */

static void g1_events_of_a_span(void **state)
{
    (void)state;
    talk_case(
        "{'events':["
        "{'name':'gen_ai.user.message','time':2,'attributes':{'content':'hi'}},"
        "{'name':'gen_ai.system.message','time':1,'attributes':{'content':'Be brief.'}},"
        "{'name':'gen_ai.assistant.message','time':3,'attributes':{'tool_calls':[{'id':'c1',"
        "'type':'function','function':{'name':'f','arguments':'{}'}}]}},"
        "{'name':'gen_ai.tool.message','time':4,'attributes':{'content':'done','id':'c1'}},"
        "{'name':'gen_ai.choice','time':5,'attributes':{'index':0,'finish_reason':'stop',"
        "'message':'{\\'role\\':\\'assistant\\',\\'content\\':\\'Bye.\\'}'}}]}",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'assistant','tool_calls':[{'id':'c1','type':'function','function':{'name':'f',"
        "'arguments':'{}'}}]},"
        "{'role':'tool','tool_call_id':'c1','tool_returns':[{'tool_call_id':'c1','status':"
        "'success','func_response':'done'}]}],"
        "'output':[{'role':'assistant','text':'Bye.'}]}");
}

static void g1_choice_with_calls_outside_or_inside(void **state)
{
    (void)state;
    talk_case(
        "{'events':[{'name':'gen_ai.choice','time':1,'attributes':{'message':{'content':"
        "'x'},'tool_calls':[{'id':'a','type':'function','function':{'name':'f','arguments':"
        "'1'}}]}},"
        "{'name':'gen_ai.choice','time':1,'attributes':{'gen_ai.event.content':"
        "'{\\'index\\':1,\\'finish_reason\\':\\'tool_calls\\',\\'message\\':{\\'tool_calls\\':"
        "[{\\'id\\':\\'b\\',\\'function\\':{\\'name\\':\\'g\\',\\'arguments\\':{}}}]}}'}}]}",
        "{'output':[{'role':'assistant','text':'x','tool_calls':[{'id':'a','type':'function',"
        "'function':{'name':'f','arguments':'1'}}]},"
        "{'role':'assistant','tool_calls':[{'id':'b','type':'function','function':{'name':'g',"
        "'arguments':'{}'}}]}]}");
}

static void g1_content_events(void **state)
{
    (void)state;
    talk_case("{'events':[{'name':'gen_ai.content.prompt','time':1,'attributes':{'gen_ai.prompt':"
              "'[{\\'role\\':\\'user\\',\\'content\\':\\'hi\\'}]'}},"
              "{'name':'gen_ai.content.completion','time':2,'attributes':{'gen_ai.completion':"
              "'just words'}}]}",
              "{'input':[{'role':'user','text':'hi'}],"
              "'output':[{'role':'assistant','text':'just words'}]}");
}

/* ---- indexed attributes ---------------------------------------------------------------------------------------- */

static void openinference_sparse_and_unordered(void **state)
{
    (void)state;
    talk_case(
        "{'attributes':{"
        "'llm.input_messages.4294967295.message.content':'last',"
        "'llm.input_messages.4294967295.message.role':'user',"
        "'llm.input_messages.10.message.role':'assistant',"
        "'llm.input_messages.10.message.tool_calls.1.tool_call.function.name':'g',"
        "'llm.input_messages.10.message.tool_calls.1.tool_call.id':'c2',"
        "'llm.input_messages.10.message.tool_calls.0.tool_call.function.arguments':'{\\'x\\': 1}',"
        "'llm.input_messages.10.message.tool_calls.0.tool_call.function.name':'f',"
        "'llm.input_messages.10.message.tool_calls.0.tool_call.id':'c1',"
        "'llm.input_messages.9.message.contents.1.message_content.type':'image',"
        "'llm.input_messages.9.message.contents.1.message_content.image.image.url':"
        "'data:image/png;base64,aGVsbG8=',"
        "'llm.input_messages.9.message.contents.0.message_content.type':'text',"
        "'llm.input_messages.9.message.contents.0.message_content.text':'see',"
        "'llm.input_messages.9.message.role':'user',"
        "'llm.input_messages.11.message.role':'tool',"
        "'llm.input_messages.11.message.tool_call_id':'c1',"
        "'llm.input_messages.11.message.name':'f',"
        "'llm.input_messages.11.message.content':'[1,2]'}}",
        "{'input':[{'role':'user','content':[{'type':'text','text':'see'},{'type':'image','source':"
        "{'type':'omitted','bytes':5,'sha256':"
        "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824','media_type':"
        "'image/png'}}]},"
        "{'role':'assistant','tool_calls':[{'id':'c1','type':'function','function':{'name':'f',"
        "'arguments':'{\\'x\\': 1}'}},{'id':'c2','type':'function','function':{'name':'g',"
        "'arguments':'{}'}}]},"
        "{'role':'tool','name':'f','tool_call_id':'c1','tool_returns':[{'tool_call_id':'c1',"
        "'status':'success','func_response':'[1,2]'}]},"
        "{'role':'user','text':'last'}]}");
}

static void openinference_legacy_and_ordered_calls(void **state)
{
    (void)state;
    talk_case("{'attributes':{'llm.output_messages.0.message.role':'assistant',"
              "'llm.output_messages.0.message.function_call_name':'f',"
              "'llm.output_messages.0.message.function_call_arguments_json':'{\\'a\\':1}',"
              "'llm.output_messages.1.message.role':'assistant',"
              "'llm.output_messages.1.message.contents.0.message_content.type':'reasoning',"
              "'llm.output_messages.1.message.contents.0.message_content.text':'hm',"
              "'llm.output_messages.1.message.contents.0.message_content.signature':'sig',"
              "'llm.output_messages.1.message.contents.1.tool_call.id':'c',"
              "'llm.output_messages.1.message.contents.1.tool_call.function.name':'g',"
              "'llm.output_messages.1.message.contents.1.tool_call.function.arguments':'{}',"
              "'llm.output_messages.1.message.tool_calls.0.tool_call.id':'c',"
              "'llm.output_messages.1.message.tool_calls.0.tool_call.function.name':'g'}}",
              "{'output':[{'role':'assistant','tool_calls':[{'id':null,'type':'function',"
              "'function':{'name':'f','arguments':'{\\'a\\':1}'}}]},"
              "{'role':'assistant','content':[{'type':'reasoning','is_native':true,'reasoning':"
              "'hm','signature':'sig'}],'tool_calls':[{'id':'c','type':'function','function':"
              "{'name':'g','arguments':'{}'}}]}]}");
}

static void openinference_nested_values_and_completions(void **state)
{
    (void)state;
    talk_document_case("llm.input_messages",
                       "[{'message':{'role':'user','content':'hi'}},"
                       "{'message.role':'user','message':{'role':'user','content':'you'}}]",
                       "{'input':[{'role':'user','text':'hi'},{'role':'user','text':'you'}]}");
    talk_case("{'attributes':{'llm.prompts.0.prompt.text':'Once','llm.choices.0.completion.text':"
              "'upon a time'}}",
              "{'input':[{'role':'user','text':'Once'}],"
              "'output':[{'role':'assistant','text':'upon a time'}]}");
    talk_case("{'attributes':{'llm.tools.1.tool.json_schema':'{\\'name\\':\\'g\\'}',"
              "'llm.tools.0.tool.json_schema':'{\\'name\\':\\'f\\'}'}}",
              "{'tools':[{'name':'f'},{'name':'g'}]}");
}

static void openllmetry_indexed(void **state)
{
    (void)state;
    talk_case(
        "{'attributes':{'gen_ai.prompt.0.role':'system','gen_ai.prompt.0.content':'Be brief.',"
        "'gen_ai.prompt.1.role':'user',"
        "'gen_ai.prompt.1.content':'[{\\'type\\': \\'text\\', \\'text\\': \\'hi\\'}]',"
        "'gen_ai.prompt.2.role':'user','gen_ai.prompt.2.content':'[1, 2]',"
        "'gen_ai.prompt.3.role':'assistant','gen_ai.prompt.3.tool_calls.0.id':'c',"
        "'gen_ai.prompt.3.tool_calls.0.name':'f','gen_ai.prompt.3.tool_calls.0.arguments':'{}',"
        "'gen_ai.prompt.4.role':'tool','gen_ai.prompt.4.content':'42',"
        "'gen_ai.prompt.4.tool_call_id':'c',"
        "'gen_ai.completion.0.role':'assistant','gen_ai.completion.0.content':'yes',"
        "'gen_ai.completion.0.reasoning':'hm','gen_ai.completion.0.finish_reason':'stop',"
        "'gen_ai.completion.1.function_call.name':'g',"
        "'gen_ai.completion.1.function_call.arguments':'{\\'q\\':2}',"
        "'llm.request.functions.0.name':'f','llm.request.functions.0.description':'does'}}",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'user','text':'[1, 2]'},"
        "{'role':'assistant','tool_calls':[{'id':'c','type':'function','function':{'name':'f',"
        "'arguments':'{}'}}]},"
        "{'role':'tool','tool_call_id':'c','tool_returns':[{'tool_call_id':'c','status':'success',"
        "'func_response':'42'}]}],"
        "'output':[{'role':'assistant','content':[{'type':'reasoning','is_native':true,"
        "'reasoning':'hm'},{'type':'text','text':'yes'}]},"
        "{'role':'assistant','tool_calls':[{'id':null,'type':'function','function':{'name':'g',"
        "'arguments':'{\\'q\\':2}'}}]}],"
        "'tools':[{'name':'f','description':'does'}]}");
}

/* ---- the AI SDK --------------------------------------------------------------------------------------------------- */

static void ai_sdk_messages(void **state)
{
    (void)state;
    talk_document_case(
        "ai.prompt.messages",
        "[{'role':'system','content':'Be brief.'},"
        "{'role':'user','content':[{'type':'text','text':'hi'}]},"
        "{'role':'assistant','content':[{'type':'reasoning','text':'hm'},{'type':'tool-call',"
        "'toolCallId':'c','toolName':'f','input':{'a':1}}]},"
        "{'role':'tool','content':[{'type':'tool-result','toolCallId':'c','toolName':'f','output':"
        "{'type':'json','value':{'t':2}}},"
        "{'type':'tool-result','toolCallId':'d','toolName':'g','output':{'type':'error-text',"
        "'value':'no'}}]},"
        "{'role':'tool','content':[{'type':'tool-result','toolCallId':'e','toolName':'h','result':"
        "'old'}]},"
        "{'role':'user','content':[{'type':'image','image':'aGVsbG8=','mediaType':'image/png'},"
        "{'type':'file','data':'aGVsbG8=','mediaType':'application/pdf','filename':'a.pdf'}]}]",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'assistant','content':[{'type':'reasoning','is_native':true,'reasoning':'hm'}],"
        "'tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':"
        "'{\\'a\\':1}'}}]},"
        "{'role':'tool','name':'f','tool_call_id':'c','tool_returns':[{'tool_call_id':'c','status':"
        "'success','func_response':'{\\'t\\':2}'}]},"
        "{'role':'tool','name':'g','tool_call_id':'d','tool_returns':[{'tool_call_id':'d','status':"
        "'error','func_response':'no'}]},"
        "{'role':'tool','name':'h','tool_call_id':'e','tool_returns':[{'tool_call_id':'e','status':"
        "'success','func_response':'old'}]},"
        "{'role':'user','content':[{'type':'image','source':{'type':'omitted','bytes':5,'sha256':"
        "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824','media_type':"
        "'image/png'}},{'type':'file','source':{'type':'omitted','bytes':5,'sha256':"
        "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824','media_type':"
        "'application/pdf'},'name':'a.pdf'}]}]}");
}

static void ai_sdk_prompt_and_response(void **state)
{
    (void)state;
    talk_document_case("ai.prompt", "{'system':'Be brief.','prompt':'hi'}",
                       "{'input':[{'role':'system','text':'Be brief.'},"
                       "{'role':'user','text':'hi'}]}");
    talk_case("{'attributes':{'ai.response.text':'yes','ai.response.reasoning':'hm',"
              "'ai.response.toolCalls':'[{\\'toolCallId\\':\\'c\\',\\'toolName\\':\\'f\\',"
              "\\'input\\':\\'{}\\'}]',"
              "'ai.prompt.tools':['{\\'type\\':\\'function\\',\\'name\\':\\'f\\'}']}}",
              "{'output':[{'role':'assistant','content':[{'type':'reasoning','is_native':true,"
              "'reasoning':'hm'},{'type':'text','text':'yes'}],'tool_calls':[{'id':'c','type':"
              "'function','function':{'name':'f','arguments':'{}'}}]}],"
              "'tools':[{'type':'function','name':'f'}]}");
    talk_case("{'attributes':{'ai.response.object':'{\\'n\\':1}'}}",
              "{'output':[{'role':'assistant','text':'{\\'n\\':1}'}]}");
    talk_case("{'attributes':{'ai.result.text':'old','ai.result.toolCalls':'[{\\'toolCallId\\':"
              "\\'c\\',\\'toolName\\':\\'f\\',\\'args\\':{\\'a\\':1}}]'}}",
              "{'output':[{'role':'assistant','text':'old','tool_calls':[{'id':'c','type':"
              "'function','function':{'name':'f','arguments':'{\\'a\\':1}'}}]}]}");
}

/* ---- request and response ------------------------------------------------------------------------------------------ */

static void what_is_known_of_the_request(void **state)
{
    (void)state;
    talk_case("{'model':'m-1','id':'r-1','attributes':{'gen_ai.request.temperature':0.5,"
              "'gen_ai.request.model':'m','gen_ai.request.max_tokens':9,"
              "'gen_ai.tool.definitions':[{'name':'f'}],"
              "'gen_ai.input.messages':[{'role':'user','parts':[{'type':'text','content':'hi'}]}],"
              "'gen_ai.output.messages':[{'role':'assistant','parts':[{'type':'text','content':"
              "'yes'}],'finish_reason':'stop'}]}}",
              "{'tools':[{'name':'f'}],'request':{'model':'m-1','parameters':{'temperature':0.5,"
              "'max_tokens':9},'reconstructed':true},"
              "'response':{'id':'r-1','model':'m-1','choices':[{'index':0,'message':{'role':"
              "'assistant','content':'yes'},'finish_reason':'stop'}],'reconstructed':true}}");
    talk_case("{'model':'m-1','attributes':{}}", "{'request':null,'response':null}");
}

static void real_bodies_without_secrets(void **state)
{
    (void)state;
    talk_case(
        "{'attributes':{'input.mime_type':'application/json','input.value':"
        "'{\\'model\\':\\'m\\',\\'messages\\':[{\\'role\\':\\'user\\',\\'content\\':"
        "\\'hi\\'}],\\'extra_headers\\':{\\'X\\':\\'hush\\'},\\'api_key\\':\\'hush\\',"
        "\\'config\\':{\\'http_options\\':{\\'headers\\':{\\'A\\':\\'hush\\'},\\'v\\':1}}}',"
        "'llm.invocation_parameters':'{\\'api_key\\':\\'hush\\'}',"
        "'output.mime_type':'application/json','output.value':'{\\'choices\\':[{\\'message\\':"
        "{\\'role\\':\\'assistant\\',\\'content\\':\\'yes\\'}}],\\'usage\\':{}}'}}",
        "{'input':[{'role':'user','text':'hi'}],'output':[{'role':'assistant','text':'yes'}],"
        "'request':{'model':'m','messages':[{'role':'user','content':'hi'}],"
        "'config':{'http_options':{'v':1}}},"
        "'response':{'choices':[{'message':{'role':'assistant','content':'yes'}}],"
        "'usage':{}}}");
    talk_case(
        "{'attributes':{'ai.settings.headers.authorization':'hush','ai.settings.maxRetries':2,"
        "'llm.invocation_parameters':'{\\'api_key\\':\\'hush\\',\\'seed\\':1}'}}",
        "{'request':{'parameters':{'maxRetries':2,'seed':1},'reconstructed':true}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g2_messages_in_three_encodings),
        cmocka_unit_test(g2_published_examples_say_result),
        cmocka_unit_test(g2_parts_of_every_type),
        cmocka_unit_test(g2_system_instructions_come_first),
        cmocka_unit_test(g2_tools),
        cmocka_unit_test(g2_on_the_details_event),
        cmocka_unit_test(a_reference_stands_for_what_is_elsewhere),
        cmocka_unit_test(returns_in_a_users_message_are_of_the_tool),
        cmocka_unit_test(roles_that_are_not_ours_are_names),
        cmocka_unit_test(g1_events_of_a_span),
        cmocka_unit_test(g1_choice_with_calls_outside_or_inside),
        cmocka_unit_test(g1_content_events),
        cmocka_unit_test(openinference_sparse_and_unordered),
        cmocka_unit_test(openinference_legacy_and_ordered_calls),
        cmocka_unit_test(openinference_nested_values_and_completions),
        cmocka_unit_test(openllmetry_indexed),
        cmocka_unit_test(ai_sdk_messages),
        cmocka_unit_test(ai_sdk_prompt_and_response),
        cmocka_unit_test(what_is_known_of_the_request),
        cmocka_unit_test(real_bodies_without_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
