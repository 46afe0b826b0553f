/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a database that was Letta V1's. Its tables are ours by name and type, and its rows stay as V1 wrote them; so
 * what V1 says in another way is understood where it is read, and nowhere else:
 *
 *   no value where ours must have one     what the rules below make of it, or the field's default
 *   JSON null                             no value; white space in JSON goes
 *   a word that is in no list             no value, or what comes next to it (an expired run has failed)
 *   a number in a smaller column          the number
 *   run_metrics.num_steps, tools_used     V1 counts the first page and lists ids; ours stand in columns beside
 *
 * docs/decisions/0014-adopting-v1.md says why.
 */
#include "store/postgres_impl.h"

/* The records V1 has a table of. */
static const uint8_t of_v1[] = {
    SW_RECORD_ORGANIZATION, SW_RECORD_USER,         SW_RECORD_PROVIDER, SW_RECORD_PROVIDER_MODEL,
    SW_RECORD_AGENT,        SW_RECORD_CONVERSATION, SW_RECORD_RUN,      SW_RECORD_RUN_METRICS,
    SW_RECORD_STEP,         SW_RECORD_STEP_METRICS, SW_RECORD_MESSAGE,  SW_RECORD_PROVIDER_TRACE};

bool sw__pg_is_v1(size_t record)
{
    for (size_t i = 0; i < SW_COUNT(of_v1); i++) {
        if (of_v1[i] == record) {
            return true;
        }
    }
    return false;
}

/* ---- columns beside V1's ------------------------------------------------------------------------ */

void sw__pg_adopted(sw_pg_store *store)
{
    static const struct {
        uint8_t field;
        const char *column;
    } own[] = {{SW_RUN_METRICS_NUM_STEPS, "stepwell_num_steps"},
               {SW_RUN_METRICS_TOOLS_USED, "stepwell_tools_used"}};
    const sw_record *record = sw_record_of(SW_RECORD_RUN_METRICS);
    if (store->adopted) {
        return;
    }
    store->adopted = true;
    sw_assert(record->field_count <= SW_COUNT(store->run_metrics_fields));
    store->run_metrics = *record;
    memcpy(store->run_metrics_fields, record->fields, record->field_count * sizeof(sw_field));
    for (size_t i = 0; i < SW_COUNT(own); i++) {
        store->run_metrics_fields[own[i].field].column = own[i].column;
    }
    store->run_metrics.fields = store->run_metrics_fields;
    store->tables[SW_RECORD_RUN_METRICS].model = &store->run_metrics;
    for (size_t i = 0; i < SW_COUNT(of_v1); i++) {
        store->tables[of_v1[i]].adopted = true;
    }
}

/* ---- rows that say nothing ---------------------------------------------------------------------- */

/* A step without a status is from before V1 had any: it then wrote steps when the model had answered. A time without
 * zone is no value, and is the first of all. */
static const struct {
    uint8_t record, field;
    const char *sql;
} rules[] = {
    {SW_RECORD_STEP, SW_STEP_STATUS, "'SUCCESS'::stepstatus"},
    {SW_RECORD_STEP, SW_STEP_USAGE_STATE,
     "CASE WHEN t.total_tokens = 0 AND t.prompt_tokens = 0 AND t.completion_tokens = 0 THEN "
     "'unknown' WHEN t.total_tokens = t.prompt_tokens + t.completion_tokens THEN 'reported' ELSE "
     "'inconsistent' END"},
    {SW_RECORD_STEP_METRICS, SW_STEP_METRICS_ORGANIZATION_ID,
     "(SELECT s.organization_id FROM steps AS s WHERE s.id = t.id), ''"},
};

static const char *value_of_nothing(sw_pg_form form)
{
    switch (form) {
    case SW_PG_TIME:
        return "timestamptz 'epoch'";
    case SW_PG_LOCAL_TIME:
        return "timestamp 'epoch'";
    case SW_PG_BOOL:
        return "false";
    case SW_PG_INT4:
    case SW_PG_INT8:
        return "0";
    case SW_PG_JSON:
        return "'{}'::json";
    default:
        return "''";
    }
}

static void print_rule(const sw_table *table, size_t i, sw_pg_form form, sw_buf *sql)
{
    const sw_field *field = &table->model->fields[i];
    for (size_t r = 0; r < SW_COUNT(rules); r++) {
        if (rules[r].record == table->record && rules[r].field == i) {
            sw_buf_adds(sql, rules[r].sql);
            return;
        }
    }
    if (strcmp(field->name, "updated_at") == 0) {
        sw_buf_adds(sql, "t.created_at, ");
    }
    if (field->fallback) {
        sw__print_quoted(sql, field->fallback);
    } else {
        sw_buf_adds(sql, value_of_nothing(form));
    }
}

void sw__pg_print_adopted(const sw_table *table, size_t i, sw_buf *sql)
{
    const sw_field *field = &table->model->fields[i];
    sw_pg_form form = (sw_pg_form)table->forms[i];
    bool must = (field->flags & SW_NOT_NULL) && !(field->flags & SW_PRIMARY);
    sw_buf_adds(sql, must ? "coalesce(" : "");
    sw__pg_print_column("t", field, sql);
    if (must) {
        sw_buf_adds(sql, ", ");
        print_rule(table, i, form, sql);
        sw_buf_addc(sql, ')');
    }
    sw_buf_adds(sql, form == SW_PG_INT8 ? "::bigint" : "");
}

/* V1 gives these two no time by itself; of the others none is without, unless somebody else wrote it. */
const char *sw__pg_adopted_order(const sw_table *table, size_t i)
{
    bool untimed = table->record == SW_RECORD_ORGANIZATION || table->record == SW_RECORD_USER;
    return untimed && strcmp(table->model->fields[i].name, "created_at") == 0
               ? "coalesce(t.created_at, timestamptz 'epoch')"
               : NULL;
}

/* ---- rows that say it in other words ------------------------------------------------------------ */

/* In place; what is left over becomes blanks, so that it may be read again. */
static size_t leave_out_blanks(char *bytes, size_t len)
{
    size_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];
        if (!inside && (c == ' ' || c == '\n' || c == '\t' || c == '\r')) {
            continue;
        }
        bytes[n++] = c;
        if (inside && c == '\\' && i + 1 < len) {
            bytes[n++] = bytes[++i];
        } else if (c == '"') {
            inside = !inside;
        }
    }
    memset(bytes + n, ' ', len - n);
    return n;
}

sw_str sw__pg_adopted_json(const sw_field *field, char *bytes, size_t len)
{
    sw_str json = sw_str_make(bytes, leave_out_blanks(bytes, len));
    if (!sw_str_eq(json, SW_STR("null"))) {
        return json;
    }
    return !(field->flags & SW_NOT_NULL) ? SW_NULL_STR
           : field->fallback             ? sw_str_from(field->fallback)
                                         : json;
}

sw_int sw__pg_adopted_word(const sw_field *field, sw_str word)
{
    int next =
        sw_str_eq(word, SW_STR("expired")) ? sw_enum_find(field->words, SW_STR("failed")) : -1;
    if (!(field->flags & SW_NOT_NULL)) {
        return (sw_int){.known = false};
    }
    if (next < 0 && field->fallback) {
        next = sw_enum_find(field->words, sw_str_from(field->fallback));
    }
    return sw_int_of(next < 0 ? 0 : next);
}
