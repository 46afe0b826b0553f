/* SPDX-License-Identifier: Apache-2.0 */
/* A stored message as V1 shows it. Each case is a sentence of the description of V1's conversion, or
 * a defect of V1's that must not come back; answers are read by another JSON library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/letta_message.h"
#include "codec/record.h"
#include "tests/unit/short_memory.h"

#define ID "message-01234567-89ab-4cde-8f01-23456789abff"
#define COMMON "\"id\":\"" ID "\",\"created_at\":\"2025-01-29T23:01:19.987654Z\",\"tool_calls\":[],"

static const sw_letta_view plain = {.text_is_answer = false};
static const sw_letta_view answers = {.text_is_answer = true};

/* What a message, given as JSON with single quotes for double ones, becomes. */
static json_t *convert(const char *quoted, const sw_letta_view *view, char *text, size_t size)
{
    char *copy = strdup(quoted);
    sw_message row = {.id = SW_NULL_STR};
    sw_arena arena;
    sw_buf buf;
    sw_json json;
    sw_json_out out;
    sw_error err = {.status = SW_STATUS_OK};
    size_t count = 0;

    for (char *c = copy; *c; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_buf_init(&buf, &sw__libc_allocator, 0);
    sw_json_init(&json, sw_str_from(copy), &arena);
    assert_int_equal(sw_json_next(&json), SW_JSON_OBJECT);
    if (sw_record_read_json(SW_RECORD_MESSAGE, SW_READ_STRICT, &json, &arena, &row, NULL, "",
                            &err) != SW_STATUS_OK) {
        fail_msg("%s %s", err.field, err.message);
    }
    sw_json_out_init(&out, &buf, false);
    sw_json_open(&out, '[');
    assert_int_equal(sw_letta_write(&row, view, &arena, &out, &count, &err), SW_STATUS_OK);
    sw_json_close(&out, ']');
    assert_int_equal(buf.status, SW_STATUS_OK);
    if (text) {
        assert_true(buf.len < size);
        memcpy(text, buf.ptr, buf.len + 1);
    }
    json_t *all = json_loads(buf.ptr, 0, NULL);
    assert_non_null(all);
    assert_int_equal(json_array_size(all), count);
    sw_buf_fini(&buf);
    sw_arena_fini(&arena);
    free(copy);
    return all;
}

/* Each expected object names members that must be there with these values. */
static void becomes(const char *message, const sw_letta_view *view, const char *expected)
{
    char *copy = strdup(expected);
    for (char *c = copy; *c; c++) {
        *c = (char)(*c == '\'' ? '"' : *c);
    }
    json_t *all = convert(message, view, NULL, 0);
    json_error_t why;
    json_t *want = json_loads(copy, 0, &why);
    if (!want) {
        fail_msg("the test's own JSON: %s in %s", why.text, copy);
    }
    if (json_array_size(all) != json_array_size(want)) {
        fail_msg("%zu views, not %zu", json_array_size(all), json_array_size(want));
    }
    for (size_t i = 0; i < json_array_size(want); i++) {
        const char *key = NULL;
        json_t *value = NULL;
        json_object_foreach(json_array_get(want, i), key, value)
        {
            json_t *is = json_object_get(json_array_get(all, i), key);
            if (!json_equal(is, value)) {
                char *shown = is ? json_dumps(is, JSON_ENCODE_ANY) : NULL;
                fail_msg("view %zu: %s is %s", i, key, shown ? shown : "absent");
            }
        }
    }
    json_decref(all);
    json_decref(want);
    free(copy);
}

#define MESSAGE(ROLE, REST) "{" COMMON "\"role\":\"" ROLE "\"," REST "}"

/* ---- what all have ---------------------------------------------------------------------------- */

static void members_stand_in_order(void **state)
{
    char text[2048];
    (void)state;
    json_decref(convert("{" COMMON
                        "'role':'system','text':'be kind','name':'n','otid':'o','sender_id':'s',"
                        "'step_id':'step-01234567-89ab-4cde-8f01-23456789abcd',"
                        "'run_id':'run-01234567-89ab-4cde-8f01-23456789abcd','is_err':true}",
                        &plain, text, sizeof text));
    assert_string_equal(text,
                        "[{\"id\":\"" ID "\",\"date\":\"2025-01-29T23:01:19+00:00\",\"name\":\"n\","
                        "\"message_type\":\"system_message\",\"otid\":\"o\",\"sender_id\":\"s\","
                        "\"step_id\":\"step-01234567-89ab-4cde-8f01-23456789abcd\",\"is_err\":true,"
                        "\"seq_id\":null,\"run_id\":\"run-01234567-89ab-4cde-8f01-23456789abcd\","
                        "\"content\":\"be kind\"}]");
}

static void no_error_is_null(void **state)
{
    (void)state;
    becomes(MESSAGE("user", "'text':'a','is_err':false"), &plain, "[{'is_err':null,'name':null}]");
}

/* The uuid's lowest seven bits are the place: ff becomes 80, 81 ... */
static void derived_otids_count_up(void **state)
{
    (void)state;
    becomes(MESSAGE("assistant",
                    "'otid':'own','content':[{'type':'reasoning','reasoning':'r','is_native':true},"
                    "{'type':'redacted_reasoning','data':'x'}]"),
            &plain,
            "[{'otid':'01234567-89ab-4cde-8f01-23456789ab80'},"
            "{'otid':'01234567-89ab-4cde-8f01-23456789ab81'}]");
    becomes(MESSAGE("user", "'otid':'own','text':'a'"), &plain, "[{'otid':'own'}]");
}

/* ---- the assistant ---------------------------------------------------------------------------- */

#define MIXED                                                                                      \
    MESSAGE("assistant",                                                                           \
            "'content':[{'type':'text','text':'one'},{'type':'text','text':'two'},"                \
            "{'type':'reasoning','is_native':true,'reasoning':'r1','signature':'s1'},"             \
            "{'type':'reasoning','is_native':true,'reasoning':'r2'},"                              \
            "{'type':'summarized_reasoning','id':'i','summary':[{'index':0,'text':'a'},"           \
            "{'index':1,'text':'b'}]},{'type':'summarized_reasoning','id':'j','summary':[]},"      \
            "{'type':'redacted_reasoning','data':'dark'},{'type':'omitted_reasoning'},"            \
            "{'type':'tool_call','id':'c','name':'n','input':{}}]")

static void content_becomes_views_in_order(void **state)
{
    (void)state;
    becomes(MIXED, &plain,
            "[{'message_type':'reasoning_message','source':'non_reasoner_model','reasoning':'one',"
            "'signature':null},{'message_type':'reasoning_message','reasoning':'two'},"
            "{'message_type':'reasoning_message','source':'reasoner_model','reasoning':'r1r2',"
            "'signature':'s1'},{'message_type':'reasoning_message','reasoning':'a\\n\\nb'},"
            "{'message_type':'hidden_reasoning_message','state':'redacted',"
            "'hidden_reasoning':'dark'},{'message_type':'hidden_reasoning_message',"
            "'state':'omitted','hidden_reasoning':null}]");
}

static void plain_text_may_be_the_answer(void **state)
{
    (void)state;
    becomes(MESSAGE("assistant", "'content':[{'type':'text','text':'one '},"
                                 "{'type':'text','text':'two'}]"),
            &answers, "[{'message_type':'assistant_message','content':'one two'}]");
    becomes(MESSAGE("assistant", "'text':'legacy'"), &answers,
            "[{'message_type':'assistant_message','content':'legacy'}]");
    assert_true(sw_letta_text_is_answer(SW_STR("letta_v1_agent")));
    assert_true(sw_letta_text_is_answer(SW_NULL_STR));
    assert_false(sw_letta_text_is_answer(SW_STR("memgpt_v2_agent")));
}

static void calls_are_grouped_around_the_answer(void **state)
{
    (void)state;
    becomes("{'id':'" ID "','role':'assistant','tool_calls':["
            "{'id':'1','type':'function','function':{'name':'a','arguments':'{}'}},"
            "{'id':'2','type':'function','function':{'name':'b','arguments':'x'}},"
            "{'id':'3','type':'function','function':{'name':'send_message',"
            "'arguments':'{\\'message\\':\\'hello\\',\\'heartbeat\\':true}'}},"
            "{'id':'4','name':'c','arguments':{'deep':[1]}}]}",
            &plain,
            "[{'message_type':'tool_call_message',"
            "'tool_call':{'name':'a','arguments':'{}','tool_call_id':'1'},"
            "'tool_calls':[{'name':'a','arguments':'{}','tool_call_id':'1'},"
            "{'name':'b','arguments':'x','tool_call_id':'2'}]},"
            "{'message_type':'assistant_message','content':'hello'},"
            "{'message_type':'tool_call_message',"
            "'tool_calls':[{'name':'c','arguments':'{\\'deep\\':[1]}','tool_call_id':'4'}]}]");
}

/* An answer whose arguments are cut off is shown as the call it is. */
static void a_broken_answer_is_a_call(void **state)
{
    (void)state;
    becomes("{'id':'" ID "','role':'assistant','tool_calls':[{'id':'1','type':'function',"
            "'function':{'name':'send_message','arguments':'{\\'message\\':\\'hel'}}]}",
            &plain, "[{'message_type':'tool_call_message'}]");
}

static void thoughts_come_before_calls(void **state)
{
    (void)state;
    becomes("{'id':'" ID "','role':'assistant','content':[{'type':'text','text':'hm'}],"
            "'tool_calls':[{'id':'1','type':'function','function':{'name':'send_message',"
            "'arguments':'{\\'message\\':\\'hi\\'}'}}]}",
            &plain,
            "[{'message_type':'reasoning_message','reasoning':'hm'},"
            "{'message_type':'assistant_message','content':'hi'}]");
}

/* V1 reversed the parts even for the ascending order. */
static void parts_turn_round_only_when_asked(void **state)
{
    sw_letta_view reversed = {.reversed = true};
    (void)state;
    becomes(
        MESSAGE("assistant", "'content':[{'type':'text','text':'1'},{'type':'text','text':'2'}]"),
        &plain, "[{'reasoning':'1'},{'reasoning':'2'}]");
    becomes(
        MESSAGE("assistant", "'content':[{'type':'text','text':'1'},{'type':'text','text':'2'}]"),
        &reversed,
        "[{'reasoning':'2','otid':'01234567-89ab-4cde-8f01-23456789ab81'},"
        "{'reasoning':'1','otid':'01234567-89ab-4cde-8f01-23456789ab80'}]");
}

/* ---- tools ------------------------------------------------------------------------------------ */

static void a_return_says_what_v1_stored_around_it(void **state)
{
    (void)state;
    becomes(MESSAGE("tool",
                    "'tool_returns':[{'tool_call_id':'1','status':'success','stdout':['o'],"
                    "'stderr':null,'func_response':'{\\'status\\':\\'OK\\',\\'message\\':"
                    "\\'fine\\',\\'time\\':\\'now\\'}'},{'tool_call_id':'2','status':'error',"
                    "'func_response':'{\\'status\\':\\'Failed\\',\\'message\\':\\'no\\'}'}]"),
            &plain,
            "[{'message_type':'tool_return_message','tool_return':'fine','status':'success',"
            "'tool_call_id':'1','stdout':['o'],'stderr':null,'tool_returns':["
            "{'type':'tool','tool_return':'fine','status':'success','tool_call_id':'1',"
            "'stdout':['o'],'stderr':null},{'type':'tool','tool_return':'no','status':'error',"
            "'tool_call_id':'2','stdout':null,'stderr':null}]}]");
}

/* In V1 text that is not such JSON fails the whole list. */
static void other_returns_are_shown_as_they_are(void **state)
{
    (void)state;
    becomes(MESSAGE("tool", "'tool_returns':[{'tool_call_id':'1','status':'error',"
                            "'func_response':'segfault {'}]"),
            &plain, "[{'tool_return':'segfault {','status':'error'}]");
    becomes(MESSAGE("tool", "'tool_returns':[{'tool_call_id':'1','status':'success',"
                            "'func_response':'{\\'status\\':\\'great\\',\\'n\\':1}'}]"),
            &plain, "[{'tool_return':'{\\'status\\':\\'great\\',\\'n\\':1}','status':'success'}]");
    becomes(MESSAGE("tool", "'tool_returns':[7,'bare',null]"), &plain,
            "[{'tool_return':'7','tool_returns':["
            "{'type':'tool','tool_return':'7','status':'success','tool_call_id':null,"
            "'stdout':null,'stderr':null},{'type':'tool','tool_return':'\\'bare\\'',"
            "'status':'success','tool_call_id':null,'stdout':null,'stderr':null},"
            "{'type':'tool','tool_return':'null','status':'success','tool_call_id':null,"
            "'stdout':null,'stderr':null}]}]");
}

static void lists_of_parts_pass_through(void **state)
{
    (void)state;
    becomes(MESSAGE("tool", "'tool_returns':[{'tool_call_id':'1','func_response':"
                            "[{'type':'text','text':'see'},{'type':'image','source':{}}]}]"),
            &plain,
            "[{'tool_return':'see','status':'success','tool_returns':[{'type':'tool','tool_return':"
            "[{'type':'text','text':'see'},{'type':'image','source':{}}],'status':'success',"
            "'tool_call_id':'1','stdout':null,'stderr':null}]}]");
}

static void the_old_form_is_one_return(void **state)
{
    (void)state;
    becomes(MESSAGE("tool", "'tool_call_id':'9','content':[{'type':'text',"
                            "'text':'{\\'status\\':\\'OK\\',\\'message\\':\\'m\\'}'}]"),
            &plain, "[{'tool_return':'m','status':'success','tool_call_id':'9'}]");
    becomes(MESSAGE("function", "'tool_call_id':'9','text':'boom','is_err':true"), &plain,
            "[{'tool_return':'boom','status':'error','tool_call_id':'9','is_err':true}]");
    becomes(MESSAGE("tool", "'content':[{'type':'tool_return','tool_call_id':'7','content':'c',"
                            "'is_error':true}]"),
            &plain, "[{'tool_return':'c','status':'error','tool_call_id':'7'}]");
}

/* Whatever else is on the page. */
static void the_answers_return_is_not_shown(void **state)
{
    (void)state;
    becomes(MESSAGE("tool", "'name':'send_message','tool_call_id':'3','text':'None'"), &plain,
            "[]");
}

/* ---- people, instructions, approvals ----------------------------------------------------------- */

static void one_text_is_unwrapped(void **state)
{
    (void)state;
    becomes(MESSAGE("user", "'content':[{'type':'text','text':'{\\'type\\':\\'user_message\\',"
                            "\\'message\\':\\'hi\\',\\'time\\':\\'t\\'}'}]"),
            &plain, "[{'message_type':'user_message','content':'hi'}]");
    becomes(MESSAGE("user", "'content':[{'type':'text','text':'{\\'type\\':\\'login\\'}'}]"),
            &plain, "[{'content':'{\\'type\\':\\'login\\'}'}]");
    becomes(MESSAGE("user", "'text':'{not json'"), &plain, "[{'content':'{not json'}]");
    becomes(MESSAGE("summary", "'text':'so far'"), &plain,
            "[{'message_type':'user_message','content':'so far'}]");
    becomes(MESSAGE("user", "'name':null"), &plain, "[{'content':''}]");
}

static void several_parts_stay_parts(void **state)
{
    (void)state;
    becomes(MESSAGE("user", "'content':[{'type':'text','text':'look','signature':null},"
                            "{'type':'image','source':{'type':'url','url':'u'}},'bare']"),
            &plain,
            "[{'content':[{'type':'text','text':'look'},"
            "{'type':'image','source':{'type':'url','url':'u'}},{'type':'text','text':'bare'}]}]");
}

static void approvals_are_asked_and_answered(void **state)
{
    (void)state;
    becomes("{'id':'" ID "','role':'approval','otid':'own','content':[{'type':'reasoning',"
            "'reasoning':'may I','is_native':true}],'tool_calls':[{'id':'1','type':'function',"
            "'function':{'name':'rm','arguments':'{}'}}]}",
            &answers,
            "[{'message_type':'reasoning_message','reasoning':'may I'},"
            "{'message_type':'approval_request_message','otid':'own',"
            "'tool_call':{'name':'rm','arguments':'{}','tool_call_id':'1'}}]");
    becomes(MESSAGE("approval", "'approvals':[{'type':'approval','tool_call_id':'1',"
                                "'approve':false,'reason':'no'},{'type':'tool','tool_call_id':'2',"
                                "'status':'success','func_response':'ok'}]"),
            &plain,
            "[{'message_type':'approval_response_message','approve':false,'reason':'no',"
            "'approval_request_id':null,'approvals':[{'type':'approval','tool_call_id':'1',"
            "'approve':false,'reason':'no'},{'type':'tool','tool_return':'ok','status':'success',"
            "'tool_call_id':'2','stdout':null,'stderr':null}]}]");
    becomes(MESSAGE("approval", "'approve':true,'approval_request_id':'message-1'"), &plain,
            "[{'approve':true,'approval_request_id':'message-1','reason':null,"
            "'approvals':[{'type':'approval','tool_call_id':null,'approve':true,'reason':null}]}]");
}

/* ---- what is asked for ------------------------------------------------------------------------- */

static void only_types_that_are_asked_for(void **state)
{
    sw_arena arena;
    sw_letta_view view = {0};
    (void)state;
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    assert_int_equal(sw_letta_types_of_config(SW_NULL_STR, &arena), 0);
    assert_int_equal(
        sw_letta_types_of_config(SW_STR("{\"include_return_message_types\":null}"), &arena), 0);
    view.types = sw_letta_types_of_config(
        SW_STR("{\"use_assistant_message\":true,\"include_return_message_types\":"
               "[\"hidden_reasoning_message\",\"nonsense\"]}"),
        &arena);
    becomes(MIXED, &view, "[{'state':'redacted'},{'state':'omitted'}]");
    sw_arena_fini(&arena);
}

/* ---- trouble ----------------------------------------------------------------------------------- */

/* Whatever allocation fails, it says so or shows the whole. */
static void short_of_memory(void **state)
{
    sw_message row = {.id = SW_STR(ID),
                      .role = sw_int_of(SW_MESSAGE_ROLE_ASSISTANT),
                      .content = SW_STR("[{\"type\":\"text\",\"text\":\"a\\u0041\"},"
                                        "{\"type\":\"text\",\"text\":\"b\"}]"),
                      .tool_calls = SW_STR("[{\"id\":\"1\",\"function\":{\"name\":\"\\u0041\","
                                           "\"arguments\":\"{}\"}}]")};
    (void)state;
    bool whole = false;
    for (long left = 0; !whole; left++) {
        short_memory memory;
        sw_arena arena;
        sw_buf buf;
        sw_json_out out;
        sw_error err;
        size_t count = 0;
        short_memory_init(&memory, left);
        sw_arena_init(&arena, &memory.allocator, 0);
        sw_buf_init(&buf, &memory.allocator, 0);
        sw_json_out_init(&out, &buf, false);
        sw_status status = sw_letta_write(&row, &answers, &arena, &out, &count, &err);
        assert_true(status == SW_STATUS_OK || (status == SW_STATUS_NO_MEMORY && count == 0));
        whole = status == SW_STATUS_OK && buf.status == SW_STATUS_OK;
        sw_buf_fini(&buf);
        sw_arena_fini(&arena);
        assert_int_equal(memory.blocks, 0);
        assert_true(left < 100);
    }
}

/* Joining many parts takes time in proportion to them. */
static void many_parts_are_joined_quickly(void **state)
{
    enum { PARTS = 200000 };
    sw_buf content;
    sw_message row = {.id = SW_STR(ID), .role = sw_int_of(SW_MESSAGE_ROLE_ASSISTANT)};
    sw_arena arena;
    sw_buf buf;
    sw_json_out out;
    sw_error err;
    size_t count = 0;
    (void)state;
    sw_buf_init(&content, &sw__libc_allocator, 0);
    for (int i = 0; i < PARTS; i++) {
        sw_buf_adds(&content, i ? ",{\"type\":\"text\",\"text\":\"x\"}"
                                : "[{\"type\":\"text\",\"text\":\"x\"}");
    }
    sw_buf_addc(&content, ']');
    row.content = sw_buf_str(&content);
    sw_arena_init(&arena, &sw__libc_allocator, 0);
    sw_buf_init(&buf, &sw__libc_allocator, 0);
    sw_json_out_init(&out, &buf, false);
    assert_int_equal(sw_letta_write(&row, &answers, &arena, &out, &count, &err), SW_STATUS_OK);
    assert_int_equal(count, 1);
    assert_true(buf.len > PARTS && buf.len < PARTS + 1000);
    assert_true(arena.used < (size_t)PARTS * 1000);
    sw_buf_fini(&buf);
    sw_arena_fini(&arena);
    sw_buf_fini(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_stand_in_order),
        cmocka_unit_test(no_error_is_null),
        cmocka_unit_test(derived_otids_count_up),
        cmocka_unit_test(content_becomes_views_in_order),
        cmocka_unit_test(plain_text_may_be_the_answer),
        cmocka_unit_test(calls_are_grouped_around_the_answer),
        cmocka_unit_test(a_broken_answer_is_a_call),
        cmocka_unit_test(thoughts_come_before_calls),
        cmocka_unit_test(parts_turn_round_only_when_asked),
        cmocka_unit_test(a_return_says_what_v1_stored_around_it),
        cmocka_unit_test(other_returns_are_shown_as_they_are),
        cmocka_unit_test(lists_of_parts_pass_through),
        cmocka_unit_test(the_old_form_is_one_return),
        cmocka_unit_test(the_answers_return_is_not_shown),
        cmocka_unit_test(one_text_is_unwrapped),
        cmocka_unit_test(several_parts_stay_parts),
        cmocka_unit_test(approvals_are_asked_and_answered),
        cmocka_unit_test(only_types_that_are_asked_for),
        cmocka_unit_test(short_of_memory),
        cmocka_unit_test(many_parts_are_joined_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
