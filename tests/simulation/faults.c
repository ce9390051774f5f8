/* faults.c: see faults.h. */
#include "tests/simulation/faults.h"

#include "tests/simulation/dice.h"

#include <assert.h>
#include <string.h>

static const struct fault_info infos[FAULT_COUNT] = {
    [FAULT_LOSS] = {"loss", FAULT_PER_MILLION, 1000, 600000, "a datagram never arrives"},
    [FAULT_DUPLICATION] = {"duplication", FAULT_PER_MILLION, 1000, 600000,
                           "a datagram arrives twice, at different times"},
    [FAULT_DELAY] = {"delay", FAULT_PER_MILLION, 1000, 600000,
                     "a datagram takes up to 20 s: later ones overtake it"},
    [FAULT_DAMAGE] = {"damage", FAULT_PER_MILLION, 1000, 300000,
                      "a datagram arrives with flipped bits, a burst of noise, or cut"},
    [FAULT_PARTITION] = {"partition", FAULT_EVERY_MS, 2000, 120000,
                         "one worker is cut off for a while, in one direction or both"},
    [FAULT_CLOG] = {"clog", FAULT_EVERY_MS, 2000, 120000,
                    "one worker's link delivers nothing for a while, and then all of it at once"},
    [FAULT_COORDINATOR_KILL] = {"coordinator-kill", FAULT_EVERY_MS, 1000, 120000,
                                "kill -9 of the coordinator, at any point of a batch"},
    [FAULT_POWER_CUT] = {"power-cut", FAULT_EVERY_MS, 5000, 120000,
                         "the coordinator's machine loses what was not synced, or keeps some of it "
                         "and a torn batch"},
    [FAULT_COORDINATOR_STALL] = {"coordinator-stall", FAULT_EVERY_MS, 2000, 60000,
                                 "the coordinator does nothing for up to 30 s"},
    [FAULT_COORDINATOR_PAUSE] = {"coordinator-pause", FAULT_EVERY_MS, 5000, 120000,
                                 "SIGTERM of the coordinator: it says so, goes, and comes back"},
    [FAULT_DISK_FULL] =
        {"disk-full", FAULT_EVERY_MS, 5000, 240000,
         "the ledger cannot be written: the coordinator ends, and is started again"},
    [FAULT_WORKER_KILL] = {"worker-kill", FAULT_EVERY_MS, 500, 60000,
                           "kill -9 of a worker and its slots, at any effect"},
    [FAULT_WORKER_REHOME] = {"worker-rehome", FAULT_PER_MILLION, 10000, 1000000,
                             "a killed worker comes back without its cache and spool"},
    [FAULT_WORKER_PAUSE] = {"worker-pause", FAULT_EVERY_MS, 1000, 60000,
                            "SIGSTOP of a worker's supervisor for up to 40 s"},
    [FAULT_WORKER_LEAVE] = {"worker-leave", FAULT_EVERY_MS, 2000, 60000,
                            "SIGTERM of a worker; it joins again later"},
    [FAULT_DRAIN] = {"drain", FAULT_EVERY_MS, 2000, 60000,
                     "a user has a worker hand over and leave; it joins again later"},
    [FAULT_SLOT_DEATH] = {"slot-death", FAULT_PER_MILLION, 1000, 400000,
                          "a slot process dies during a job"},
    [FAULT_SLOT_HANG] = {"slot-hang", FAULT_PER_MILLION, 1000, 200000,
                         "a job takes 50 times as long as it should"},
    [FAULT_ATTEMPT_FAILED] = {"attempt-failed", FAULT_PER_MILLION, 1000, 300000,
                              "a worker says that it could not do the job"},
    [FAULT_CACHE_EVICTION] = {"cache-eviction", FAULT_EVERY_MS, 500, 30000,
                              "a worker's cache drops what is not pinned"},
    [FAULT_CACHE_FULL] = {"cache-full", FAULT_EVERY_MS, 2000, 60000,
                          "a worker has no room for further children for a while"},
    [FAULT_POISON] = {"poison", FAULT_PER_MILLION, 2000, 60000,
                      "a job that kills whatever slot runs it"},
    [FAULT_DIVERGENCE] = {"divergence", FAULT_PER_MILLION, 5000, 300000,
                          "a job whose training ends in NaN or infinity, by bits of any kind"},
    [FAULT_FOREIGN] = {"foreign", FAULT_PER_MILLION, 200000, 600000,
                       "a worker of another numeric class, engine version or protocol version"},
    [FAULT_WRONG_OPINION] = {"wrong-opinion", FAULT_PER_MILLION, 100000, 500000,
                             "a worker whose second opinions are often wrong"},
    [FAULT_CLOCK_DRIFT] = {"clock-drift", FAULT_PER_MILLION, 200000, 1000000,
                           "a process whose clock runs at half to double speed"},
    [FAULT_CLOCK_STEP] = {"clock-step", FAULT_EVERY_MS, 2000, 120000,
                          "a process's clock jumps ahead, or a little back"},
    [FAULT_LIAR] = {"liar", FAULT_PER_MILLION, 5000, 200000,
                    "a worker whose results are wrong now and then, each time in another way; all "
                    "jobs are audited"},
    [FAULT_FORGER] = {"forger", FAULT_PER_MILLION, 200000, 1000000,
                      "a worker whose results are always wrong, and the same when asked again; all "
                      "jobs are audited, and honest workers never leave"},
    [FAULT_STOP] = {"stop", FAULT_EVERY_MS, 5000, 600000, "the user's hours are over"},
    [FAULT_BUDGET_RAISE] = {"budget-raise", FAULT_PER_MILLION, 100000, 1000000,
                            "the run ends under a small budget and is resumed with the full one"},
    [FAULT_SKIP] = {"skip", FAULT_EVERY_MS, 500, 120000, "the user gives up a job in flight"},
};

const struct fault_info *fault_info(enum fault fault)
{
    assert((unsigned)fault < FAULT_COUNT);
    return &infos[fault];
}

/* FAULT_COUNT: there is none of that name. */
static enum fault fault_find(const char *name, size_t length)
{
    for (enum fault i = 0; i < FAULT_COUNT; i++)
        if (strlen(infos[i].name) == length && memcmp(infos[i].name, name, length) == 0)
            return i;
    return FAULT_COUNT;
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int choose(const char *word, size_t length, struct fault_choice *choice)
{
    if (is_word(word, length, "none"))
        return 0;
    if (is_word(word, length, "default")) {
        choice->allowed = (UINT64_C(1) << FAULT_COUNT) - 1;
        return 0;
    }
    size_t minus = *word == '-' ? 1 : 0;
    enum fault fault = fault_find(word + minus, length - minus);
    if (fault == FAULT_COUNT)
        return -1;
    uint64_t bit = UINT64_C(1) << fault;
    choice->forced = minus ? choice->forced & ~bit : choice->forced | bit;
    choice->allowed = minus ? choice->allowed & ~bit : choice->allowed | bit;
    return 0;
}

int fault_choice_parse(const char *text, struct fault_choice *choice, struct error *error)
{
    *choice = (struct fault_choice){0};
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        if (choose(text, length, choice) != 0)
            return error_set(error, -1, "unknown fault '%.*s' (see --help)", (int)length, text);
        text += length;
        if (*text == ',')
            text++;
    }
    return 0;
}

/*
 * Nobody can find out a forger that is alone, and of two workers that contradict each other for
 * ever nobody can say who is right. So most days have no forgers, and days with them are without
 * what keeps honest workers away: else those days would hide what audits owe us.
 */
static void make_room_for_forgers(struct fault_plan *plan, struct dice *dice,
                                  const struct fault_choice *choice)
{
    static const enum fault harmless[] = {
        FAULT_DUPLICATION, FAULT_SLOT_DEATH,    FAULT_SLOT_HANG, FAULT_ATTEMPT_FAILED,
        FAULT_POISON,      FAULT_DIVERGENCE,    FAULT_FORGER,    FAULT_CACHE_EVICTION,
        FAULT_STOP,        FAULT_WRONG_OPINION,
    };
    bool forced = (choice->forced >> FAULT_FORGER & 1) != 0;
    if (dice_chance(dice, 0.8) && !forced)
        plan->strength[FAULT_FORGER] = 0;
    if (plan->strength[FAULT_FORGER] == 0)
        return;
    const struct fault_plan all = *plan;
    *plan = (struct fault_plan){{0}};
    for (uint32_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        plan->strength[harmless[i]] = all.strength[harmless[i]];
}

struct fault_plan fault_plan_draw(uint64_t seed, const struct fault_choice *choice)
{
    struct fault_plan plan = {{0}};
    struct dice dice = dice_open(seed, DICE_FAULTS);
    /* From days with one or two faults, where each has its full effect, to days with nearly all. */
    static const double shares[] = {0.06, 0.12, 0.25, 0.4, 0.7};
    double share = shares[dice_below(&dice, sizeof shares / sizeof shares[0])];
    for (enum fault i = 0; i < FAULT_COUNT; i++) {
        /* Drawn for every fault, so that a list of faults keeps the strengths of the default. */
        bool on = dice_chance(&dice, share) || (choice->forced >> i & 1) != 0;
        uint64_t strength = dice_magnitude(&dice, (struct span){infos[i].least, infos[i].most});
        if (on && (choice->allowed >> i & 1) != 0)
            plan.strength[i] = strength;
    }
    make_room_for_forgers(&plan, &dice, choice);
    return plan;
}

double fault_chance(const struct fault_plan *plan, enum fault fault)
{
    assert(infos[fault].measure == FAULT_PER_MILLION);
    return (double)plan->strength[fault] / 1e6;
}
