/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the demo workload share: chance, the world, and a run that is under way. */
#ifndef SW_CLI_DEMO_PRIVATE_H
#define SW_CLI_DEMO_PRIVATE_H

#include "cli/demo.h"

/* ---- chance: demo_random.c ------------------------------------------------------------------- */

typedef struct demo_random {
    uint64_t state;
} demo_random;

uint64_t demo_u64(demo_random *random);
int64_t demo_below(demo_random *random, int64_t bound); /* 0 to bound - 1 */
int64_t demo_between(demo_random *random, int64_t least, int64_t most);
bool demo_chance(demo_random *random, int per_mille);
/* A number whose distribution has these 0, 25, 50, 75, 95 and 100 % points, straight between them.
 */
typedef struct demo_spread {
    int32_t at[6];
} demo_spread;
int64_t demo_spread_pick(demo_random *random, const demo_spread *spread);
/* "<prefix>-<uuid>", beginning with the time. */
typedef struct demo_id {
    char text[SW_ID_TEXT];
    size_t len;
} demo_id;
demo_id demo_id_make(demo_random *random, const char *prefix, int64_t at_us);
static inline sw_str demo_id_str(const demo_id *id)
{
    return sw_str_make(id->text, id->len);
}
/* A text from a template: '#' becomes a number, '@' one of the subjects (the same in one text). */
sw_str demo_fill(demo_random *random, sw_arena *arena, const char *text,
                 const char *const *subjects);

/* ---- what agents do: demo_texts.c ------------------------------------------------------------ */

enum {
    DEMO_SUBJECTS = 8,
    DEMO_ASKS = 6,
    DEMO_THOUGHTS = 5,
    DEMO_ANSWERS = 6,
    DEMO_TOOLS = 5,
    DEMO_NAMES = 4
};

typedef struct demo_tool {
    const char *name;
    const char *argument; /* its name */
    const char *value;
    const char *result;
    const char *failure;
    demo_spread ms;
} demo_tool;

typedef struct demo_scenario {
    const char *tag;
    const char *origin;
    const char *agents[DEMO_NAMES];
    const char *system;
    const char *subjects[DEMO_SUBJECTS];
    const char *asks[DEMO_ASKS];
    const char *thoughts[DEMO_THOUGHTS];
    const char *answers[DEMO_ANSWERS];
    demo_tool tools[DEMO_TOOLS];
    demo_spread steps; /* how long its runs are */
    int delegates;     /* how often a step starts another agent, per mille */
} demo_scenario;

enum { DEMO_SCENARIOS = 5, DEMO_RESEARCH = 3 /* the scenario that others delegate to */ };
extern const demo_scenario sw__demo_scenarios[DEMO_SCENARIOS];

/* ---- providers, models, errors: demo_models.c ------------------------------------------------ */

typedef struct demo_provider {
    const char *name; /* as gen_ai.provider.name has it */
    const char *type; /* V1's word */
    const char *url;
    const char *handle;
} demo_provider;
enum { DEMO_PROVIDERS = 5 };
extern const demo_provider sw__demo_providers[DEMO_PROVIDERS];

/* Invented prices in nano-dollars a token, so that demo steps cost something; -1: nobody knows. */
typedef struct demo_model {
    const char *name;
    uint8_t provider;
    int32_t window;
    int32_t input_price;
    int32_t cached_price;
    int32_t cache_write_price; /* 0: the provider does not report cache writes */
    int32_t output_price;
    bool caches;
    bool reasons;
    int32_t us_per_token;
    demo_spread first_token_ms;
} demo_model;
enum { DEMO_MODELS = 10 };
extern const demo_model sw__demo_models[DEMO_MODELS];

typedef struct demo_failure {
    int provider; /* -1: any */
    int code;
    const char *type;
    const char *message;
    const char *stop_reason;
    demo_spread ms;
} demo_failure;
enum { DEMO_FAILURES = 10 };
extern const demo_failure sw__demo_failures[DEMO_FAILURES];
extern const demo_failure sw__demo_overflow;
extern const demo_failure sw__demo_abandoned;
const demo_failure *demo_failure_pick(demo_random *random, const demo_model *model);

/* ---- the world: demo_world.c ----------------------------------------------------------------- */

enum { DEMO_AGENTS_MOST = 12, DEMO_PROJECTS = 3, DEMO_USERS = 4 };

typedef struct demo_agent {
    demo_id id;
    uint8_t name; /* of its scenario's */
    uint8_t scenario;
    uint8_t project;
    uint8_t model;
    uint8_t second_model;
} demo_agent;

typedef struct demo_organization {
    demo_id id;
    const char *name;
    int64_t steps;
    demo_id users[DEMO_USERS];
    demo_id projects[DEMO_PROJECTS];
    demo_id providers[DEMO_PROVIDERS];
    demo_id models[DEMO_MODELS];
    demo_agent agents[DEMO_AGENTS_MOST];
    size_t agent_count;
} demo_organization;

enum { DEMO_DAYS = 14, DEMO_SLOTS = DEMO_DAYS * 24 };
struct sw_demo {
    sw_allocator allocator;
    sw_demo_options options;
    int64_t weights[DEMO_SLOTS + 1]; /* how busy each hour is, summed up */
    demo_organization organizations[SW_DEMO_ORGANIZATIONS];
};

/* ---- a run that is under way: demo_run.c, demo_step.c, demo_talk.c --------------------------- */

typedef enum demo_fate {
    DEMO_COMPLETES,
    DEMO_FAILS,
    DEMO_CANCELLED,
    DEMO_ABANDONED,
    DEMO_LIVE /* not over yet */
} demo_fate;
typedef enum demo_phase { DEMO_BEGINS, DEMO_WORKS, DEMO_ENDS } demo_phase;

typedef struct demo_run {
    demo_id id;
    demo_id conversation; /* len 0: none */
    demo_id parent_run;   /* len 0: nobody's */
    demo_id parent_step;
    demo_id last_step;
    const demo_agent *agent;
    const demo_scenario *scenario;
    const demo_model *model;
    demo_phase phase;
    demo_fate fate;
    int64_t begun_us;
    int64_t clock_us; /* when its next step begins */
    int64_t first_token_ns;
    int64_t length;
    int64_t done;
    int64_t context; /* tokens that the next prompt repeats */
    int64_t cached;  /* of them the provider has seen */
    char trace[33];
    char user[16];
    char ticket[16];
    bool staging;
} demo_run;

enum { DEMO_DEPTH = 3 };
struct sw_demo_stream {
    const sw_demo *demo;
    const demo_organization *organization;
    demo_random random;
    sw_buf text;               /* for JSON under way */
    int64_t left;              /* steps that no run has taken yet */
    demo_run runs[DEMO_DEPTH]; /* the innermost is the last */
    size_t depth;
    struct {
        demo_id id;
        int64_t runs_left;
    } conversations[DEMO_AGENTS_MOST];
};

/* What happens in one step, before it is written down. */
typedef struct demo_turn {
    int64_t number; /* in its run, from 0 */
    bool last;
    bool delegates;
    const demo_failure *failure; /* NULL: it answered */
    sw_step_status status;
    size_t tool_count;
    const demo_tool *tools[3];
    bool tool_failed[3];
    char calls[3][24];
    bool compacted; /* the context was full and has been summarized */
    sw_str ask;     /* of the first step */
    sw_str answer;  /* what the model said; may be empty */
    int64_t llm_ns;
    int64_t tool_ns;
    int64_t first_token_ns;
} demo_turn;

/* Fills the event with the run's next step, and moves the run on. */
sw_status demo_step_make(sw_demo_stream *stream, demo_run *run, sw_arena *arena, demo_turn *turn,
                         sw_demo_event *out);
/* The messages of the turn. */
sw_status demo_talk(sw_demo_stream *stream, const demo_run *run, const demo_turn *turn,
                    sw_arena *arena, sw_step_entry *entry);
/* The JSON that is in stream->text, moved into the arena. */
sw_str demo_take_text(sw_demo_stream *stream, sw_arena *arena);

#endif
