/* SPDX-License-Identifier: Apache-2.0 */
/* prices set and prices delete: the organization's own prices, from options in dollars or from a file of records. What
 * may be set is for the ledger to say.
 */
#include "cli/prices.h"
#include "codec/record.h"

enum { FILE_MOST = 16 << 20 };

bool sw_dollars_read(sw_str text, int64_t *nano_usd)
{
    int64_t value = 0;
    int places = -1;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && places < 0) {
            places = 0;
        } else if (c < '0' || c > '9' || places == 9 || value > INT64_C(100000000000000000)) {
            return false;
        } else {
            value = value * 10 + (c - '0');
            places += places >= 0;
        }
    }
    for (places = places < 0 ? 0 : places; places < 9; places++) {
        if (value > INT64_MAX / 10) {
            return false;
        }
        value *= 10;
    }
    *nano_usd = value;
    return text.len > 0 && text.ptr[text.len - 1] != '.' && text.ptr[0] != '.';
}

static sw_status read_dollars(sw_cli *cli, sw_price *price)
{
    static const struct {
        sw_option_id option;
        size_t offset;
    } rows[] = {
        {SW_OPTION_PRICE_INPUT, offsetof(sw_price, input_nano_usd)},
        {SW_OPTION_PRICE_OUTPUT, offsetof(sw_price, output_nano_usd)},
        {SW_OPTION_PRICE_CACHE_READ, offsetof(sw_price, cache_read_nano_usd)},
        {SW_OPTION_PRICE_CACHE_WRITE_5M, offsetof(sw_price, cache_write_5m_nano_usd)},
        {SW_OPTION_PRICE_CACHE_WRITE_1H, offsetof(sw_price, cache_write_1h_nano_usd)},
        {SW_OPTION_PRICE_AUDIO_INPUT, offsetof(sw_price, audio_input_nano_usd)},
        {SW_OPTION_PRICE_AUDIO_OUTPUT, offsetof(sw_price, audio_output_nano_usd)},
        {SW_OPTION_PRICE_AUDIO_CACHE_READ, offsetof(sw_price, audio_cache_read_nano_usd)},
        {SW_OPTION_PRICE_REQUEST, offsetof(sw_price, request_nano_usd)},
    };

    for (size_t i = 0; i < SW_COUNT(rows); i++) {
        const char *text = sw_cli_text(cli, rows[i].option);
        int64_t value = 0;
        if (text && !sw_dollars_read(sw_str_from(text), &value)) {
            return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                           "--%s is dollars for a million, like 3.75; not %s",
                           sw__options[rows[i].option].name, text);
        }
        if (text) {
            *(sw_int *)(void *)((char *)price + rows[i].offset) = sw_int_of(value);
        }
    }
    return SW_STATUS_OK;
}

/* What was made, or is gone. */
static sw_status say(sw_cli *cli, const char *id, const char *words)
{
    sw_cli_json json;

    if (!sw_cli_is_data(cli)) {
        fprintf(cli->out, "%s%s\n", id, words);
        return SW_STATUS_OK;
    }
    sw_cli_json_begin(cli, &json);
    sw_json_open(&json.out, '{');
    sw_cli_json_str(&json, "id", sw_str_from(id));
    sw_json_close(&json.out, '}');
    return sw_cli_json_end(cli, &json);
}

static sw_status create(sw_cli *cli, const sw_price *price)
{
    char id[SW_ID_MAX];
    sw_status status = sw_source_create(cli, SW_RECORD_PRICE, price, id);

    return status == SW_STATUS_OK ? say(cli, id, "") : status;
}

/* ---- a file ---------------------------------------------------------------------------------------- */

/* The reader stands at the record's brace. */
static sw_status set_one(sw_cli *cli, sw_json *json)
{
    sw_price price = {.id = SW_NULL_STR};
    sw_status status = sw_record_read_json(SW_RECORD_PRICE, SW_READ_STRICT, json, &cli->arena,
                                           &price, NULL, "", &cli->error);

    return status == SW_STATUS_OK ? create(cli, &price) : status;
}

/* A record, or a list of them. */
static sw_status set_document(sw_cli *cli, sw_json *json)
{
    sw_status status = SW_STATUS_OK;

    if (sw_json_next(json) != SW_JSON_ARRAY) {
        return set_one(cli, json);
    }
    while (status == SW_STATUS_OK && sw_json_next(json) == SW_JSON_OBJECT) {
        status = set_one(cli, json);
    }
    return status == SW_STATUS_OK && json->type != SW_JSON_ARRAY_END
               ? sw_fail(&cli->error, SW_STATUS_INVALID, "", "%s",
                         json->error ? json->error : "prices are objects")
               : status;
}

/* One document or one behind the other, as `prices --json` writes them. What stood before a mistake is set, and sending
 * the file again does not set it twice where its records have ids. */
static sw_status set_file(sw_cli *cli, const char *path)
{
    sw_buf text;
    sw_str rest = SW_NULL_STR;
    sw_status status = SW_STATUS_OK;

    sw_buf_init(&text, &sw__libc_allocator, FILE_MOST);
    status = sw_cli_read_file(cli, path, &text);
    rest = sw_str_after_blanks(sw_buf_str(&text));
    if (status == SW_STATUS_OK && rest.len == 0) {
        status = sw_fail(&cli->error, SW_STATUS_INVALID, "", "%s holds no price", path);
    }
    while (status == SW_STATUS_OK && rest.len > 0) {
        sw_json json;
        sw_json_init(&json, rest, &cli->arena);
        status = set_document(cli, &json);
        rest = sw_str_after_blanks(sw_str_make(json.at, (size_t)(json.end - json.at)));
    }
    sw_buf_fini(&text);
    return status;
}

/* ---- the verbs --------------------------------------------------------------------------------------- */

sw_status sw_prices_set(sw_cli *cli)
{
    const char *file = sw_cli_text(cli, SW_OPTION_PRICE_FILE);
    sw_price price = {.model = sw_str_from(cli->argument2),
                      .provider_name = sw_str_from(sw_cli_text(cli, SW_OPTION_PRICE_PROVIDER)),
                      .service_tier = sw_str_from(sw_cli_text(cli, SW_OPTION_PRICE_TIER)),
                      .source = sw_str_from(sw_cli_text(cli, SW_OPTION_PRICE_NOTE)),
                      .effective_from = sw_cli_time(cli, SW_OPTION_PRICE_FROM),
                      .effective_to = sw_cli_time(cli, SW_OPTION_PRICE_TO)};
    sw_status status = SW_STATUS_OK;

    if (!file == !cli->argument2) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "whose price; write prices set MODEL --input 3 --output 15, or prices set "
                       "--file FILE");
    }
    if (sw_cli_has(cli, SW_OPTION_PRICE_BATCH)) {
        price.batch_percent = sw_int_of(sw_cli_count(cli, SW_OPTION_PRICE_BATCH));
    }
    if (sw_cli_has(cli, SW_OPTION_PRICE_ABOVE)) {
        price.above_tokens = sw_int_of(sw_cli_count(cli, SW_OPTION_PRICE_ABOVE));
    }
    status = read_dollars(cli, &price);
    if (status == SW_STATUS_OK) {
        status = sw_cli_source(cli, true);
    }
    if (status != SW_STATUS_OK) {
        return status;
    }
    return file ? set_file(cli, file) : create(cli, &price);
}

sw_status sw_prices_delete(sw_cli *cli)
{
    sw_status status = SW_STATUS_OK;

    if (!cli->argument2) {
        return sw_fail(&cli->error, SW_STATUS_INVALID, "",
                       "which price; write prices delete ID, and stepwell prices --all for ids");
    }
    status = sw_cli_source(cli, true);
    if (status == SW_STATUS_OK) {
        status = sw_source_remove(cli, SW_RECORD_PRICE, sw_str_from(cli->argument2));
    }
    return status == SW_STATUS_OK ? say(cli, cli->argument2, " is deleted") : status;
}
