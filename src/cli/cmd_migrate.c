/* SPDX-License-Identifier: Apache-2.0 */
/* migrate: a ledger from one store into another. Prints what differs as it is found; the ledger room does the rest.
 */
#include "cli/cli.h"

enum {
    SHOWN_MOST = 100, /* differences printed; all are counted */
    PARTS = 3         /* copying, comparing, proving */
};

typedef struct migration {
    sw_cli *cli;
    sw_cli_json json;
    bool as_json;
    int64_t shown;
    const char *doing; /* what the bar counts */
    int64_t begun_us[PARTS + 1];
    size_t parts;
    sw_progress progress;
} migration;

static int64_t mono_us(void)
{
    return sw__system_clock.mono_us(sw__system_clock.data);
}

/* A bar for each part. */
static void each_progress(void *arg, const char *doing, int64_t done, int64_t total)
{
    migration *m = arg;
    if (m->doing != doing) {
        sw_progress_done(&m->progress);
        sw_progress_init(&m->progress, m->cli->err, doing, mono_us());
        m->doing = doing;
        sw_assert(m->parts < PARTS);
        m->begun_us[m->parts] = m->parts ? mono_us() : m->begun_us[0];
        m->parts++;
    }
    sw_progress_show(&m->progress, done, total, mono_us());
}

static void each_difference(void *arg, const sw_difference *found)
{
    migration *m = arg;
    if (m->shown++ >= SHOWN_MOST) {
        return;
    }
    if (m->as_json) {
        sw_json_open(&m->json.out, '{');
        sw_cli_json_str(&m->json, "kind", sw_str_from(found->kind));
        sw_cli_json_str(&m->json, "where", sw_str_from(found->where));
        sw_cli_json_str(&m->json, "what", sw_str_from(found->what));
        sw_json_close(&m->json.out, '}');
        return;
    }
    sw_progress_done(&m->progress);
    sw_str where = sw_text_clean(&m->cli->arena, sw_str_from(found->where), false);
    fprintf(m->cli->out, "%s: %s: %s\n", found->kind, sw_text_or_blank(where), found->what);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static const char *count(sw_cli *cli, int64_t n)
{
    return sw_text_or_blank(sw_show_count(&cli->arena, n));
}

/* How long a part took; one that was not reached took no time. */
static int64_t part_us(const migration *m, size_t part)
{
    return part < m->parts ? m->begun_us[part + 1] - m->begun_us[part] : 0;
}

static const char *duration(const migration *m, size_t part)
{
    return sw_text_or_blank(sw_show_duration(&m->cli->arena, part_us(m, part) * 1000));
}

static void print_times(const migration *m, const sw_migrate_end *end)
{
    double seconds = (double)part_us(m, 0) / 1e6;
    if (m->parts == PARTS) {
        fprintf(m->cli->out, "Copied in %s (%s records/s), compared in %s, verified in %s.\n",
                duration(m, 0),
                count(m->cli, seconds > 0 ? (int64_t)((double)end->copied / seconds) : 0),
                duration(m, 1), duration(m, 2));
    }
}

static void print_end(const migration *m, const sw_migrate_end *end)
{
    sw_cli *cli = m->cli;
    if (end->compared == end->records && end->differences == 0) {
        fprintf(cli->out, "%s steps (%s records) of %s are in %s, and each record is the same.\n",
                count(cli, end->steps), count(cli, end->records), end->from, end->to);
    } else {
        fprintf(cli->out, "%s of %s records were compared, and %s differ%s.\n",
                count(cli, end->compared), count(cli, end->records), count(cli, end->differences),
                end->differences > SHOWN_MOST ? "; the first of them are above" : "");
    }
    if (end->copied < end->records && end->copied > 0) {
        fprintf(cli->out, "%s of them were copied now; the others were there.\n",
                count(cli, end->copied));
    }
    if (end->missed > 0) {
        fprintf(cli->out,
                "Others have written to %s meanwhile: the last %s entries of its journal are not "
                "in the copy.\n",
                end->from, count(cli, end->missed));
    }
    print_times(m, end);
    if (end->proved && end->verified.differences == 0) {
        fputs("Everything adds up.\n", cli->out);
    } else if (end->proved) {
        fprintf(cli->out, "%s things do not add up%s%s.\n", count(cli, end->verified.differences),
                end->as_source ? ", here as there"
                               : ", and not the same in the source: the copy is not released",
                end->verified.differences > SHOWN_MOST ? "; the first of them are above" : "");
    }
}

static sw_status print_end_json(migration *m, const sw_migrate_end *end)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"records", end->records},
                  {"steps", end->steps},
                  {"copied", end->copied},
                  {"compared", end->compared},
                  {"difference_count", end->differences + end->verified.differences},
                  {"missed_entries", end->missed},
                  {"copy_ms", part_us(m, 0) / 1000},
                  {"compare_ms", part_us(m, 1) / 1000},
                  {"verify_ms", part_us(m, 2) / 1000}};
    sw_json_close(&m->json.out, ']');
    sw_cli_json_str(&m->json, "from", sw_str_from(end->from));
    sw_cli_json_str(&m->json, "to", sw_str_from(end->to));
    for (size_t i = 0; i < SW_COUNT(counts); i++) {
        sw_cli_json_int(&m->json, counts[i].key, true, counts[i].value);
    }
    sw_cli_json_key(&m->json, "ok");
    sw_json_bool(&m->json.out, end->proved && end->verified.differences == 0);
    sw_json_close(&m->json.out, '}');
    return sw_cli_json_end(m->cli, &m->json);
}

/* The words of the command line, where the ledger says which of its two stores is meant. */
static void name_argument(sw_cli *cli)
{
    bool from = strcmp(cli->error.field, "from") == 0;
    if (from || strcmp(cli->error.field, "to") == 0) {
        snprintf(cli->error.field, sizeof cli->error.field, "%s", from ? "FROM" : "TO");
    }
}

/* Refusals of a migration say themselves what to do. */
static const char *advice(sw_status status, const sw_migrate_end *end)
{
    switch (status) {
    case SW_STATUS_INVALID:
    case SW_STATUS_UNSUPPORTED:
    case SW_STATUS_CONFLICT:
        return NULL;
    case SW_STATUS_DIFFERS:
        return end->proved ? sw_cli_advice(status) : NULL;
    case SW_STATUS_NEWER:
    case SW_STATUS_CORRUPT:
        return sw_cli_advice(status);
    default:
        break;
    }
    return end->to[0] ? "put that right and run the same command again: it goes on where it stopped"
                      : sw_cli_advice(status);
}

static int finish(migration *m, sw_status status, const sw_migrate_end *end)
{
    sw_cli *cli = m->cli;
    sw_status printed = SW_STATUS_OK;
    sw_progress_done(&m->progress);
    m->begun_us[m->parts] = mono_us();
    if (status == SW_STATUS_OK || status == SW_STATUS_DIFFERS) {
        if (m->as_json) {
            printed = print_end_json(m, end);
        } else {
            print_end(m, end);
        }
    }
    if (printed != SW_STATUS_OK) {
        return sw_cli_fail(cli, sw_no_memory(&cli->error), sw_cli_advice(printed));
    }
    name_argument(cli);
    int code = sw_cli_finish(cli);
    return status == SW_STATUS_OK ? code : sw_cli_fail(cli, status, advice(status, end));
}

int sw_cli_migrate(sw_cli *cli)
{
    migration m = {.cli = cli, .as_json = sw_cli_is_data(cli), .doing = ""};
    const sw_migrate_options options = {.from = cli->argument,
                                        .to = cli->argument2,
                                        .progress = each_progress,
                                        .difference = each_difference,
                                        .arg = &m};
    sw_migrate_end end;
    sw_cli_json_begin(cli, &m.json);
    sw_json_open(&m.json.out, '{');
    sw_cli_json_key(&m.json, "differences");
    sw_json_open(&m.json.out, '[');
    m.begun_us[0] = mono_us();
    sw_progress_init(&m.progress, cli->err, m.doing, m.begun_us[0]);
    sw_status status = sw_migrate(&options, &end, &cli->error);
    int code = finish(&m, status, &end);
    sw_buf_fini(&m.json.buf);
    return code;
}
