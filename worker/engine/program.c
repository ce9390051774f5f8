/* program.c: a plan laid out for the CPU; see program.h. */
#include "worker/engine/program.h"

#include "worker/engine/ops/ops.h"

#include <assert.h>
#include <stdlib.h>

/* --------------------------------------------------------------------------------------- steps */

/* Neighbouring narrow layers become one step. */
static void make_steps(struct program *program, const struct plan *plan)
{
    for (uint32_t first = 0, end; first < plan->op_count; first = end) {
        struct program_step *step = &program->steps[program->step_count++];
        end = first;
        while (end < plan->op_count && op_chain_links(program, &plan->ops[end]))
            end++;
        bool is_chain = end > first;
        if (!is_chain)
            end = first + 1;
        *step = (struct program_step){is_chain ? &op_chain : op_rows[plan->ops[first].kind], first,
                                      end};
    }
}

/* -------------------------------------------------------------------------------------- values */

static void make_values(struct program *program, const struct plan *plan)
{
    program->values[0] = (struct program_value){.slot = PLAN_NONE};
    for (uint32_t i = 1; i < plan->value_count; i++) {
        program->values[i] = (struct program_value){.row = program->value_rows, .slot = PLAN_NONE};
        program->value_rows += shape_features(plan->values[i]);
    }
}

static void make_kept(struct program *program, const struct model *model)
{
    const struct plan *plan = model->plan;
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct op_row *row = op_rows[plan->ops[i].kind];
        program->ops[i].kept = program->kept_rows;
        if (row->kept_rows != NULL)
            program->kept_rows += row->kept_rows(model, &plan->ops[i]);
    }
}

/* -------------------------------------------------------------------------------------- deltas */

/* Which slots are taken, while the way back is walked. */
struct slots {
    bool taken[PROGRAM_SLOTS_MAX];
};

/* 0, or -1 when all are taken. */
static int take_slot(struct program *program, const struct plan *plan, struct slots *slots,
                     uint32_t value)
{
    uint32_t slot = 0, rows = shape_features(plan->values[value]);
    while (slot < PROGRAM_SLOTS_MAX && slots->taken[slot])
        slot++;
    if (slot == PROGRAM_SLOTS_MAX)
        return -1;
    slots->taken[slot] = true;
    program->values[value].slot = slot;
    if (slot >= program->slot_count)
        program->slot_count = slot + 1;
    if (program->slot_rows[slot] < rows)
        program->slot_rows[slot] = rows;
    return 0;
}

/* How an op that read the value finds its delta, and that there is a place for it. */
static int use_delta(struct program *program, const struct plan *plan, struct slots *slots,
                     uint32_t value, enum delta_use *use)
{
    *use = DELTA_UNWANTED;
    if (!program->values[value].delta_wanted)
        return 0;
    *use = program->values[value].slot == PLAN_NONE ? DELTA_SET : DELTA_ADD;
    return *use == DELTA_SET ? take_slot(program, plan, slots, value) : 0;
}

/* Whether the op that made the value has an activation behind its products. */
static bool is_activated(const struct plan *plan, uint32_t value)
{
    return value > 0 && plan->ops[value - 1].activates; /* op i makes value i + 1 */
}

/* A value's one reader tells its maker the delta by z, where its op does so. */
static int mark_handing_over(struct program *program, const struct plan *plan)
{
    uint32_t *readers = calloc(plan->value_count, sizeof *readers);
    if (readers == NULL)
        return -1;
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct op *op = &plan->ops[i];
        readers[op->input] += op_rows[op->kind]->hands_over ? 1 : 2; /* two: nobody hands over */
        if (op->other != PLAN_NONE)
            readers[op->other] += 2;
    }
    for (uint32_t value = 1; value < plan->value_count; value++)
        program->values[value].delta_by_z = is_activated(plan, value) && readers[value] == 1;
    free(readers);
    return 0;
}

/* A delta is of use where there are parameters on the way back to the sample. */
static void mark_wanted(struct program *program, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct op *op = &plan->ops[i];
        program->values[op->output].delta_wanted =
            op->parameter_count > 0 || program->values[op->input].delta_wanted ||
            (op->other != PLAN_NONE && program->values[op->other].delta_wanted);
    }
}

static int make_deltas(struct program *program, const struct plan *plan)
{
    struct slots slots = {{false}};
    uint32_t logits = plan->value_count - 1;
    if (take_slot(program, plan, &slots, logits) != 0)
        return -1;
    for (uint32_t s = program->step_count; s-- > 0;) {
        const struct program_step *step = &program->steps[s];
        const struct op *first = &plan->ops[step->first], *last = &plan->ops[step->end - 1];
        struct program_op *op = &program->ops[step->first];
        if (use_delta(program, plan, &slots, first->input, &op->input) != 0 ||
            (first->other != PLAN_NONE &&
             use_delta(program, plan, &slots, first->other, &op->other) != 0))
            return -1;
        if (program->values[last->output].slot != PLAN_NONE)
            slots.taken[program->values[last->output].slot] = false;
    }
    for (uint32_t slot = 0; slot < program->slot_count; slot++) {
        program->slot_row[slot] = program->delta_rows;
        program->delta_rows += program->slot_rows[slot];
    }
    return 0;
}

/* ------------------------------------------------------------------------------------- creation */

struct program *program_create(const struct model *model)
{
    const struct plan *plan = model->plan;
    struct program *program = calloc(1, sizeof *program);
    if (program == NULL)
        return NULL;
    program->steps = calloc(plan->op_count, sizeof *program->steps);
    program->values = calloc(plan->value_count, sizeof *program->values);
    program->ops = calloc(plan->op_count, sizeof *program->ops);
    if (program->steps == NULL || program->values == NULL || program->ops == NULL) {
        program_destroy(&program);
        return NULL;
    }
    make_values(program, plan);
    make_kept(program, model);
    int failed = mark_handing_over(program, plan);
    if (failed == 0) {
        mark_wanted(program, plan);
        make_steps(program, plan);
        failed = make_deltas(program, plan);
    }
    if (failed != 0)
        program_destroy(&program);
    return program;
}

void program_destroy(struct program **program)
{
    if (*program == NULL)
        return;
    free((*program)->steps);
    free((*program)->values);
    free((*program)->ops);
    free(*program);
    *program = NULL;
}

uint64_t program_scratch(const struct model *model, uint32_t samples_max)
{
    uint64_t most = 0;
    for (uint32_t s = 0; s < model->program->step_count; s++) {
        const struct program_step *step = &model->program->steps[s];
        for (uint32_t i = step->first; i < step->end && step->row->scratch != NULL; i++) {
            uint64_t floats = step->row->scratch(model, &model->plan->ops[i], samples_max);
            most = floats > most ? floats : most;
        }
    }
    return most;
}

double program_flops(const struct model *model)
{
    double flops = 0;
    for (uint32_t i = 0; i < model->plan->op_count; i++) {
        const struct op *op = &model->plan->ops[i];
        const struct op_row *row = op_rows[op->kind];
        /* Inside a chain a delta goes from layer to layer, though it has no place of its own. */
        bool wanted = model->program->values[op->input].delta_wanted;
        if (row->flops != NULL)
            flops += row->flops(op, wanted ? DELTA_SET : DELTA_UNWANTED);
    }
    return flops;
}
