/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as whole JSON in one attribute: the forms of the providers and of the frameworks, each as its own
 * description writes it. What is expected is the same conversation said in our words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/talk_case.h"

/* `document` stands natively, and as text, in the attribute. */
static void holds(const char *key, const char *document, const char *expected)
{
    char *told = NULL;
    char *text = talk_case_unquoted(document);
    json_t *in = NULL;
    json_t *as_text = json_object();
    char *dumped = NULL;

    assert_true(asprintf(&told, "{'attributes':{'%s':%s}}", key, document) > 0);
    talk_case(told, expected);
    free(told);
    in = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(in);
    json_object_set_new(as_text, key, json_string(text));
    json_decref(in);
    in = json_pack("{s:o}", "attributes", as_text);
    dumped = json_dumps(in, 0);
    talk_case(dumped, expected);
    free(dumped);
    free(text);
    json_decref(in);
}

#define CALL(ID, NAME, ARGUMENTS)                                                                  \
    "{'id':" ID ",'type':'function','function':{'name':'" NAME "','arguments':'" ARGUMENTS "'}}"
#define RETURN(ID, STATUS, SAID)                                                                   \
    "'tool_call_id':'" ID "','tool_returns':[{'tool_call_id':'" ID "','status':'" STATUS           \
    "','func_response':" SAID "}]"
#define HELLO                                                                                      \
    "'type':'omitted','bytes':5,'sha256':"                                                         \
    "'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'"
#define THOUGHT(TEXT) "{'type':'reasoning','is_native':true,'reasoning':'" TEXT "'}"

/* ---- providers ------------------------------------------------------------------------------------------- */

static void openai_chat(void **state)
{
    (void)state;
    holds(
        "langfuse.observation.input",
        "{'messages':[{'role':'developer','content':'Be brief.'},"
        "{'role':'user','content':[{'type':'text','text':'look'},{'type':'image_url','image_url':"
        "{'url':'https://x/y.png','detail':'low'}},{'type':'input_audio','input_audio':"
        "{'data':'aGVsbG8=','format':'wav'}},{'type':'file','file':{'file_id':'f-1'}}]},"
        "{'role':'assistant','content':null,'tool_calls':[{'id':'c','type':'function','function':"
        "{'name':'f','arguments':'{}'}}]},"
        "{'role':'tool','tool_call_id':'c','content':'done'},"
        "{'role':'assistant','content':null,'refusal':'no'}],"
        "'tools':[{'type':'function','function':{'name':'f'}}]}",
        "{'input':[{'role':'system','text':'Be brief.'},"
        "{'role':'user','content':[{'type':'text','text':'look'},"
        "{'type':'image','source':{'type':'url','url':'https://x/y.png'}},"
        "{'type':'audio','source':{" HELLO ",'media_type':'audio/wav'}},"
        "{'type':'file','source':{'type':'file','file_id':'f-1'}}]},"
        "{'role':'assistant','tool_calls':[" CALL(
            "'c'", "f",
            "{}") "]},"
                  "{'role':'tool'," RETURN(
                      "c", "success",
                      "'done'") "},"
                                "{'role':'assistant','content':[{'type':'refusal','refusal':'no'}]}],"
                                "'tools':[{'type':'function','function':{'name':'f'}}]}");
    holds("langfuse.observation.output",
          "{'id':'x','choices':[{'index':0,'finish_reason':'stop','message':{'role':'assistant',"
          "'content':'yes','reasoning_content':'hm'}},{'index':1,'finish_reason':'tool_calls',"
          "'message':{'role':'assistant','tool_calls':[{'id':'c','function':{'name':'f',"
          "'arguments':'{\\'a\\':1}'}}]}}],'usage':{'total_tokens':3}}",
          "{'output':[{'role':'assistant','content':[" THOUGHT(
              "hm") ",{'type':'text','text':'yes'}]},"
                    "{'role':'assistant','tool_calls':[" CALL("'c'", "f", "{\\'a\\':1}") "]}]}");
    holds("langfuse.observation.output",
          "{'object':'text_completion','model':'m','choices':[{'text':'once','index':0,"
          "'finish_reason':'length'}]}",
          "{'output':[{'role':'assistant','text':'once'}]}");
}

static void openai_responses(void **state)
{
    (void)state;
    holds(
        "mlflow.spanInputs",
        "{'model':'m','instructions':'Be brief.','input':["
        "{'type':'message','role':'user','content':[{'type':'input_text','text':'hi'}]},"
        "{'type':'message','role':'user','content':'again'},"
        "{'type':'reasoning','summary':[{'type':'summary_text','text':'hm'}],"
        "'encrypted_content':'xx'},"
        "{'type':'function_call','id':'fc_1','call_id':'c','name':'f','arguments':'{}'},"
        "{'type':'function_call_output','call_id':'c','output':'done'},"
        "{'role':'user','content':'so?'}],'tools':[{'type':'function','name':'f'}]}",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'user','text':'again'},"
        "{'role':'assistant','content':[{'type':'reasoning','is_native':true,'reasoning':'hm',"
        "'signature':'xx'}],'tool_calls':[" CALL(
            "'c'", "f",
            "{}") "]},"
                  "{'role':'tool'," RETURN(
                      "c", "success",
                      "'done'") "},"
                                "{'role':'user','text':'so?'}],'tools':[{'type':'function','name':'f'}]}");
    holds("mlflow.spanInputs", "{'model':'m','input':'hi'}",
          "{'input':[{'role':'user','text':'hi'}]}");
    holds("mlflow.spanOutputs",
          "{'id':'r','object':'response','model':'m','output':["
          "{'type':'reasoning','summary':[]},"
          "{'type':'web_search_call','id':'w','status':'completed'},"
          "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'yes',"
          "'annotations':[]}]},"
          "{'type':'function_call','call_id':'c','id':'fc','name':'f','arguments':'{}'}],"
          "'text':{'format':{'type':'text'}},'usage':{}}",
          "{'output':[{'role':'assistant','content':[{'type':'reasoning','summary':[]},"
          "{'type':'web_search_call','id':'w','status':'completed'},{'type':'text','text':'yes'}],"
          "'tool_calls':[" CALL("'c'", "f", "{}") "]}]}");
}

static void anthropic(void **state)
{
    (void)state;
    holds(
        "mlflow.spanInputs",
        "{'model':'claude','max_tokens':9,'system':[{'type':'text','text':'Be brief.',"
        "'cache_control':{'type':'ephemeral'}}],'tools':[{'name':'f','input_schema':{}}],"
        "'messages':[{'role':'user','content':'hi'},"
        "{'role':'assistant','content':[{'type':'thinking','thinking':'hm','signature':'s'},"
        "{'type':'redacted_thinking','data':'zz'},{'type':'text','text':'I look.'},"
        "{'type':'tool_use','id':'tu','name':'f','input':{'q': 1}}]},"
        "{'role':'user','content':[{'type':'tool_result','tool_use_id':'tu','is_error':true,"
        "'content':[{'type':'text','text':'broke'},{'type':'image','source':{'type':'base64',"
        "'media_type':'image/png','data':'aGVsbG8='}}]},{'type':'text','text':'go on'}]}]}",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'assistant','content':[{'type':'reasoning','is_native':true,'reasoning':'hm',"
        "'signature':'s'},{'type':'redacted_reasoning','data':'zz'},{'type':'text','text':"
        "'I look.'}],'tool_calls':[" CALL(
            "'tu'", "f",
            "{\\'q\\':1}") "]},"
                           "{'role':'tool'," RETURN(
                               "tu", "error",
                               "[{'type':'text','text':'broke'},{'type':'image','source':{" HELLO
                               ",'media_type':'image/png'}}]") "},"
                                                               "{'role':'user','text':'go on'}],'tools':[{'name':'f','input_schema':{}}]}");
    holds("mlflow.spanOutputs",
          "{'id':'msg','type':'message','role':'assistant','model':'claude','content':["
          "{'type':'server_tool_use','id':'s','name':'web_search','input':{}},"
          "{'type':'text','text':'yes'}],'stop_reason':'end_turn','usage':{'input_tokens':1}}",
          "{'output':[{'role':'assistant','content':[{'type':'server_tool_use','id':'s','name':"
          "'web_search','input':{}},{'type':'text','text':'yes'}]}]}");
}

static void gemini(void **state)
{
    (void)state;
    holds(
        "gcp.vertex.agent.llm_request",
        "{'model':'gemini','config':{'system_instruction':'Be brief.','tools':["
        "{'function_declarations':[{'name':'f'}]}],'http_options':{'headers':{'k':'v'}}},"
        "'contents':[{'role':'user','parts':[{'text':'look'},{'inline_data':{'mime_type':"
        "'image/png','data':'aGVsbG8='}},{'fileData':{'mimeType':'video/mp4','fileUri':"
        "'gs://b/v'}}]},"
        "{'role':'model','parts':[{'text':'hm','thought':true},{'functionCall':{'name':'f',"
        "'args':{'a':1}}}]},"
        "{'role':'user','parts':[{'function_response':{'id':'q','name':'f','response':"
        "{'result':'ok'}}}]}]}",
        "{'input':[{'role':'system','text':'Be brief.'},"
        "{'role':'user','content':[{'type':'text','text':'look'},{'type':'image','source':{" HELLO
        ",'media_type':'image/png'}},{'type':'video','source':{'type':'url','url':'gs://b/v',"
        "'media_type':'video/mp4'}}]},"
        "{'role':'assistant','content':[" THOUGHT("hm") "],'tool_calls':[" CALL(
            "null", "f",
            "{\\'a\\':1}") "]},"
                           "{'role':'tool','name':'f'," RETURN(
                               "q", "success",
                               "'{\\'result\\':\\'ok\\'}'") "}],"
                                                            "'tools':[{'function_declarations':[{'name':'f'}]}],"
                                                            "'request':{'model':'gemini','config':{'system_instruction':'Be brief.','tools':["
                                                            "{'function_declarations':[{'name':'f'}]}],'http_options':{}},"
                                                            "'contents':[{'role':'user','parts':[{'text':'look'},{'inline_data':{'mime_type':"
                                                            "'image/png','data':'aGVsbG8='}},{'fileData':{'mimeType':'video/mp4','fileUri':"
                                                            "'gs://b/v'}}]},"
                                                            "{'role':'model','parts':[{'text':'hm','thought':true},{'functionCall':{'name':'f',"
                                                            "'args':{'a':1}}}]},"
                                                            "{'role':'user','parts':[{'function_response':{'id':'q','name':'f','response':"
                                                            "{'result':'ok'}}}]}]}}");
    holds("gcp.vertex.agent.llm_response",
          "{'content':{'role':'model','parts':[{'text':'yes'}]},'partial':false,"
          "'usage_metadata':{'cached_content_token_count':1}}",
          "{'output':[{'role':'assistant','text':'yes'}],"
          "'response':{'content':{'role':'model','parts':[{'text':'yes'}]},'partial':false,"
          "'usage_metadata':{'cached_content_token_count':1}}}");
    holds("langfuse.observation.output",
          "{'candidates':[{'content':{'role':'model','parts':[{'text':'a'},{'text':'b'}]},"
          "'finishReason':'STOP'}],'usageMetadata':{}}",
          "{'output':[{'role':'assistant','content':[{'type':'text','text':'a'},"
          "{'type':'text','text':'b'}]}]}");
}

static void bedrock(void **state)
{
    (void)state;
    holds(
        "langfuse.observation.input",
        "{'modelId':'m','system':[{'text':'Be brief.'}],'messages':["
        "{'role':'user','content':[{'text':'look'},{'image':{'format':'png','source':{'bytes':"
        "'aGVsbG8='}}}]},"
        "{'role':'assistant','content':[{'reasoningContent':{'reasoningText':{'text':'hm',"
        "'signature':'s'}}},{'toolUse':{'toolUseId':'t','name':'f','input':{'a':1}}}]},"
        "{'role':'user','content':[{'toolResult':{'toolUseId':'t','status':'error','content':["
        "{'json':{'e':1}}]}}]}],'toolConfig':{'tools':[{'toolSpec':{'name':'f'}}]}}",
        "{'input':[{'role':'system','text':'Be brief.'},"
        "{'role':'user','content':[{'type':'text','text':'look'},{'type':'image','source':{" HELLO
        ",'media_type':'image/png'}}]},"
        "{'role':'assistant','content':[{'type':'reasoning','is_native':true,'reasoning':'hm',"
        "'signature':'s'}],'tool_calls':[" CALL(
            "'t'", "f", "{\\'a\\':1}") "]},"
                                       "{'role':'tool'," RETURN(
                                           "t", "error",
                                           "'{\\'e\\':1}'") "}],"
                                                            "'tools':[{'toolSpec':{'name':'f'}}]}");
    holds("langfuse.observation.output",
          "{'output':{'message':{'role':'assistant','content':[{'text':'yes'}]}},"
          "'stopReason':'end_turn','usage':{}}",
          "{'output':[{'role':'assistant','text':'yes'}]}");
}

/* ---- frameworks -------------------------------------------------------------------------------------------- */

#define LC(CLASS, KWARGS)                                                                          \
    "{'lc':1,'type':'constructor','id':['langchain','schema','messages','" CLASS "'],'kwargs':"    \
    "{" KWARGS "}}"

static void langchain_serialized(void **state)
{
    (void)state;
    holds(
        "gen_ai.prompt",
        "{'messages':[[" LC("SystemMessage", "'content':'Be brief.'") "," LC("HumanMessage", "'content':'hi'") "," LC(
            "AIMessageChunk",
            "'content':'','tool_calls':[{'name':'f',"
            "'args':{'a':1},'id':'c','type':'tool_call'"
            "}],'additional_kwargs':{'tool_calls':[{"
            "'id':'c','function':{'name':'f',"
            "'arguments':'{}'}}]}") "," LC("ToolMessage",
                                           "'content':'done','tool_call_id':'c','name':'f','status':'error'") "]]}",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'assistant','tool_calls':[" CALL(
            "'c'", "f", "{\\'a\\':1}") "]},"
                                       "{'role':'tool','name':'f'," RETURN("c", "error",
                                                                           "'done'") "}]}");
    holds("gen_ai.completion",
          "{'generations':[[{'text':'yes','generation_info':{'finish_reason':'stop'},'message':" LC(
              "AIMessage", "'content':'yes'") "}]]}",
          "{'output':[{'role':'assistant','text':'yes'}]}");
    holds("gen_ai.completion",
          "[" LC("AIMessage", "'content':'','additional_kwargs':{'function_call':{'name':'f',"
                              "'arguments':'{}'}}") "]",
          "{'output':[{'role':'assistant','tool_calls':[" CALL("null", "f", "{}") "]}]}");
}

static void langchain_plain(void **state)
{
    (void)state;
    holds("langfuse.observation.input",
          "[{'type':'human','content':'hi'},{'type':'ai','data':{'content':'yes'}},"
          "{'type':'tool','content':'x','tool_call_id':'c'}]",
          "{'input':[{'role':'user','text':'hi'},{'role':'assistant','text':'yes'},"
          "{'role':'tool'," RETURN("c", "success", "'x'") "}]}");
}

static void pydantic_events(void **state)
{
    (void)state;
    holds(
        "events",
        "[{'event.name':'gen_ai.system.message','content':'Be brief.','gen_ai.message.index':0},"
        "{'event.name':'gen_ai.user.message','content':'hi','role':'user'},"
        "{'event.name':'gen_ai.assistant.message','tool_calls':[{'id':'c','type':'function',"
        "'function':{'name':'f','arguments':{'a':1}}}]},"
        "{'event.name':'gen_ai.tool.message','content':'done','id':'c','name':'f'},"
        "{'event.name':'gen_ai.choice','index':0,'message':{'role':'assistant','content':'yes'}}]",
        "{'input':[{'role':'system','text':'Be brief.'},{'role':'user','text':'hi'},"
        "{'role':'assistant','tool_calls':[" CALL(
            "'c'", "f",
            "{\\'a\\':1}") "]},"
                           "{'role':'tool','name':'f'," RETURN(
                               "c", "success",
                               "'done'") "}],"
                                         "'output':[{'role':'assistant','text':'yes'}]}");
}

static void genkit(void **state)
{
    (void)state;
    holds("genkit:input",
          "{'messages':[{'role':'system','content':[{'text':'Be brief.'}]},"
          "{'role':'user','content':[{'text':'hi'},{'media':{'url':'https://x/y.png',"
          "'contentType':'image/png'}}]},"
          "{'role':'model','content':[{'toolRequest':{'ref':'c','name':'f','input':{'a':1}}}]},"
          "{'role':'tool','content':[{'toolResponse':{'ref':'c','name':'f','output':'done'}}]}],"
          "'tools':[{'name':'f'}],'config':{}}",
          "{'input':[{'role':'system','text':'Be brief.'},"
          "{'role':'user','content':[{'type':'text','text':'hi'},{'type':'image','source':{'type':"
          "'url','url':'https://x/y.png','media_type':'image/png'}}]},"
          "{'role':'assistant','tool_calls':[" CALL(
              "'c'", "f", "{\\'a\\':1}") "]},"
                                         "{'role':'tool','name':'f'," RETURN(
                                             "c", "success", "'done'") "}],"
                                                                       "'tools':[{'name':'f'}]}");
    holds("genkit:output",
          "{'message':{'role':'model','content':[{'text':'yes'}]},'finishReason':'stop'}",
          "{'output':[{'role':'assistant','text':'yes'}]}");
}

static void livekit(void **state)
{
    (void)state;
    holds("lk.chat_ctx",
          "{'items':[{'id':'i1','type':'message','role':'user','content':['hi','there']},"
          "{'id':'i2','type':'function_call','call_id':'c','name':'f','arguments':'{}'},"
          "{'id':'i3','type':'function_call_output','name':'f','call_id':'c','output':'no',"
          "'is_error':true}]}",
          "{'input':[{'role':'user','content':[{'type':'text','text':'hi'},{'type':'text','text':"
          "'there'}]},{'role':'assistant','tool_calls':[" CALL(
              "'c'", "f", "{}") "]},"
                                "{'role':'tool','name':'f'," RETURN("c", "error", "'no'") "}]}");
    talk_case(
        "{'attributes':{'lk.response.text':'yes','lk.response.function_calls':'[{\\'call_id\\':"
        "\\'c\\',\\'name\\':\\'f\\',\\'arguments\\':\\'{}\\'}]'}}",
        "{'output':[{'role':'assistant','text':'yes','tool_calls':[" CALL("'c'", "f", "{}") "]}]}");
}

static void others(void **state)
{
    (void)state;
    holds("langfuse.observation.input", "[{'role':'user','content':'hi'}]",
          "{'input':[{'role':'user','text':'hi'}]}");
    /* Any JSON: an object of its own keeps all its members. */
    holds("langfuse.observation.output", "{'text':'yes','score':0.5}",
          "{'output':[{'role':'assistant','text':'{\\'text\\':\\'yes\\',\\'score\\':0.5}'}]}");
    holds("traceloop.entity.input",
          "{'args':[],'kwargs':{'messages':[{'role':'user','content':'hi'}]}}",
          "{'input':[{'role':'user','text':'hi'}]}");
    holds("langfuse.observation.input",
          "{'message':'now?','chat_history':[{'role':'USER','message':'hi'},{'role':'CHATBOT',"
          "'message':'yes'}],'model':'command'}",
          "{'input':[{'role':'user','text':'hi'},{'role':'assistant','text':'yes'},"
          "{'role':'user','text':'now?'}]}");
    /* OpenRouter: a failed request has no completion. */
    holds("gen_ai.completion", "{'completion':null}", "{'output':[]}");
    talk_case("{'attributes':{'input.value':'plain [words','input.mime_type':'text/plain',"
              "'output.value':'{\\'not\\': \\'looked into\\'}','output.mime_type':'text/plain'}}",
              "{'input':[{'role':'user','text':'plain [words'}],"
              "'output':[{'role':'assistant','text':'{\\'not\\': \\'looked into\\'}'}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_chat),     cmocka_unit_test(openai_responses),
        cmocka_unit_test(anthropic),       cmocka_unit_test(gemini),
        cmocka_unit_test(bedrock),         cmocka_unit_test(langchain_serialized),
        cmocka_unit_test(langchain_plain), cmocka_unit_test(pydantic_events),
        cmocka_unit_test(genkit),          cmocka_unit_test(livekit),
        cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
