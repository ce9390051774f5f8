/*
 * train_slots.c: one process per slot, told when to train by a pipe; see slots_run in train_run.h.
 */
#include "tests/bench/rounds.h"
#include "tests/bench/train_run.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is measured of one model; the figures are medians. */
struct slots {
    struct train_subject *subject; /* each slot has a copy of it */
    uint32_t slots, cohort;
    double seconds;
    double us_alone, us_together; /* per step and network */
    double ratio;                 /* the rate of all together over the rate of one */
};

/* A slot trains from when it is told until this moment of the wall's clock, and then says how many
 * steps of one network it did a second. */
struct slot {
    pid_t pid;
    int order, answer; /* the ends of its pipes that are ours */
};

struct team {
    struct slots *slots;
    struct slot members[SLOTS_MAX];
    uint32_t started;
    double window_s;
    uint64_t chunk; /* steps between two looks at the clock */
};

/* -------------------------------------------------------------------------------------- a slot */

static double train_until(const struct team *team, double end)
{
    struct slots *slots = team->slots;
    const struct train_stretch stretch = {slots->cohort, slots->subject->batch, team->chunk};
    double start = rounds_wall_s(), now;
    uint64_t steps = 0;
    do {
        train_subject_time(slots->subject, &stretch);
        steps += team->chunk;
        now = rounds_wall_s();
    } while (now < end);
    return (double)(steps * slots->cohort) / (now - start);
}

/* The process of one slot: until its orders end. */
static void serve(const struct team *team, int orders, int answers)
{
    double end;
    while (read(orders, &end, sizeof end) == (ssize_t)sizeof end) {
        double rate = train_until(team, end);
        if (write(answers, &rate, sizeof rate) != (ssize_t)sizeof rate)
            break;
    }
}

/* The core with so many allowed ones before it. */
static int pin(const cpu_set_t *allowed, uint32_t place)
{
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, allowed) || place-- > 0)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        return sched_setaffinity(0, sizeof one, &one);
    }
    return -1;
}

/* ------------------------------------------------------------------------------------- the team */

static int start_slot(struct team *team, const cpu_set_t *allowed, struct error *error)
{
    struct slot *slot = &team->members[team->started];
    int orders[2], answers[2];
    if (pipe(orders) != 0)
        return error_set(error, -1, "slot %u: pipe: %s", team->started, strerror(errno));
    if (pipe(answers) != 0) {
        close(orders[0]);
        close(orders[1]);
        return error_set(error, -1, "slot %u: pipe: %s", team->started, strerror(errno));
    }
    *slot = (struct slot){fork(), orders[1], answers[0]};
    if (slot->pid == 0) {
        /* Orders end when nobody can write them, so no slot may hold another's end. */
        for (uint32_t i = 0; i <= team->started; i++)
            close(team->members[i].order);
        if (pin(allowed, team->started) == 0)
            serve(team, orders[0], answers[1]);
        _exit(0);
    }
    close(orders[0]);
    close(answers[1]);
    team->started++;
    if (slot->pid < 0)
        return error_set(error, -1, "slot %u: fork: %s", team->started - 1, strerror(errno));
    return 0;
}

static void stop_slots(struct team *team)
{
    for (uint32_t i = 0; i < team->started; i++) {
        close(team->members[i].order);
        close(team->members[i].answer);
        if (team->members[i].pid > 0)
            waitpid(team->members[i].pid, NULL, 0);
    }
}

/* The slots from `first` to before `end` train at once; adds up their rates. */
static int run_slots(struct team *team, uint32_t first, uint32_t end, double *rate,
                     struct error *error)
{
    double until = rounds_wall_s() + team->window_s, one;
    *rate = 0;
    for (uint32_t i = first; i < end; i++) {
        if (write(team->members[i].order, &until, sizeof until) != (ssize_t)sizeof until)
            return error_set(error, -1, "slot %u ended", i);
    }
    for (uint32_t i = first; i < end; i++) {
        if (read(team->members[i].answer, &one, sizeof one) != (ssize_t)sizeof one)
            return error_set(error, -1, "slot %u ended", i);
        *rate += one;
    }
    return 0;
}

struct outcome {
    double alone[ROUNDS_MAX], together[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

static int run_round(struct team *team, struct outcome *outcome, uint32_t round,
                     struct error *error)
{
    uint32_t count = team->slots->slots;
    double sum = 0, rate;
    for (uint32_t i = 0; i < count; i++) {
        if (run_slots(team, i, i + 1, &rate, error) != 0)
            return -1;
        sum += rate;
    }
    if (run_slots(team, 0, count, &rate, error) != 0)
        return -1;
    outcome->alone[round] = 1e6 * count / sum;
    outcome->together[round] = 1e6 * count / rate;
    outcome->ratio[round] = rate * count / sum;
    return 0;
}

static int measure_slots(struct slots *slots, struct error *error)
{
    static struct outcome outcome;
    struct team team = {.slots = slots};
    cpu_set_t allowed;
    uint32_t rounds = 0;
    int code = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return error_set(error, -1, "which cores there are: %s", strerror(errno));
    if ((uint32_t)CPU_COUNT(&allowed) < slots->slots)
        return error_set(error, -1, "%u slots want a core each, and there are %d", slots->slots,
                         CPU_COUNT(&allowed));
    double start = rounds_wall_s();
    team.chunk = train_subject_round(slots->subject, slots->cohort) / 4 + 1;
    train_subject_time(slots->subject,
                       &(struct train_stretch){slots->cohort, slots->subject->batch, team.chunk});
    team.window_s = 0.1 + 2 * (rounds_wall_s() - start);
    while (team.started < slots->slots && code == 0)
        code = start_slot(&team, &allowed, error);
    double end = rounds_wall_s() + slots->seconds;
    while (code == 0 && rounds < ROUNDS_MAX && (rounds < ROUNDS_MIN || rounds_wall_s() < end))
        code = run_round(&team, &outcome, rounds++, error);
    stop_slots(&team);
    if (code != 0)
        return -1;
    slots->us_alone = rounds_median(outcome.alone, rounds);
    slots->us_together = rounds_median(outcome.together, rounds);
    slots->ratio = rounds_median(outcome.ratio, rounds);
    return 0;
}

static void print_slots(const struct slots *slots, const char *model, bool json)
{
    printf(json ? "{\"model\": \"%s\", \"slots\": %u, \"cohort\": %u, \"us_per_step_net\": %.2f, "
                  "\"us_per_step_net_together\": %.2f, \"slots_ratio\": %.3f}\n"
                : "%-22s %5u %6u %10.1f %11.1f %6.2f\n",
           model, slots->slots, slots->cohort, slots->us_alone, slots->us_together, slots->ratio);
    fflush(stdout);
}

int slots_run(const struct train_run *run, struct error *error)
{
    static struct train_subject subject;
    int code = 0;
    if (!run->json)
        printf("%-22s %5s %6s %10s %11s %6s\n", "model", "slots", "cohort", "us alone",
               "us together", "ratio");
    for (uint32_t i = 0; i < run->model_count && code == 0; i++) {
        struct slots slots = {.subject = &subject, .slots = run->slots, .seconds = run->seconds};
        code = train_run_open(run, i, &subject, error);
        if (code == 0) {
            slots.cohort = train_run_cohort(run, &subject);
            code = measure_slots(&slots, error);
        }
        if (code == 0)
            print_slots(&slots, run->models[i], run->json);
        train_subject_fini(&subject);
    }
    return code;
}
