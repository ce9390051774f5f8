/*
 * operators.c: the table of operators, and what is the same for all of them.
 *
 * The catalogue says what a call may look like, the table here who carries it out; a test holds the
 * two against each other in both directions.
 */
#include "worker/operators/operators.h"

#include "worker/operators/mutation.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct operator_row rows[] = {
    {"init", apply_init},
    {"init.decay", apply_init_decay},
    {"init.dropout", apply_init_dropout},
    {"none", apply_none},
    {"psa.full", apply_psa_full},
    {"psa.hidden", apply_psa_hidden},
    {"psa.output", apply_psa_output},
    {"decay", apply_decay},
    {"dropout", apply_dropout},
    {"reinit.full", apply_reinit_full},
    {"reinit.hidden", apply_reinit_hidden},
    {"reinit.output", apply_reinit_output},
    {"mask_replay", apply_mask_replay},
    {"mask_cross", apply_mask_cross},
};

const struct operator_row *operator_row_at(uint32_t index)
{
    return index < sizeof rows / sizeof rows[0] ? &rows[index] : NULL;
}

static const struct operator_row *find_row(const char *name)
{
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* ----------------------------------------------------------------------------------- the check */

static int check_param(const char *name, const struct param *param, double value,
                       struct error *error)
{
    assert(param->kind != PARAM_CHOICE);
    bool whole = param->kind != PARAM_WHOLE || value == floor(value);
    if (whole && value >= param->least && value <= param->most)
        return 0;
    char range[64];
    param_range(param, range, sizeof range);
    return error_set(error, -1, "operator '%s': %s: expected %s, got %.17g", name, param->name,
                     range, value);
}

int operator_check(const struct job *job, struct error *error)
{
    const struct operator_call *call = &job->call;
    const struct operator_info *info = operator_find(call->name);
    if (info == NULL) {
        char quoted[OPERATOR_NAME_BYTES_MAX];
        param_quote(call->name, quoted, sizeof quoted);
        return error_set(error, -1, "there is no operator '%s'", quoted);
    }
    if ((info->evaluators & FOR_TRAIN) == 0)
        return error_set(error, -1, "operator '%s' is not for the train evaluator", info->name);
    if (job->parent_count != info->parents)
        return error_set(error, -1, "operator '%s' takes %" PRIu32 " parent%s, got %" PRIu32,
                         info->name, info->parents, info->parents == 1 ? "" : "s",
                         job->parent_count);
    if (call->param_count != info->param_count)
        return error_set(error, -1, "operator '%s' takes %" PRIu32 " parameter%s, got %" PRIu32,
                         info->name, info->param_count, info->param_count == 1 ? "" : "s",
                         call->param_count);
    for (uint32_t i = 0; i < info->param_count; i++)
        if (check_param(info->name, &info->params[i], call->params[i], error) != 0)
            return -1;
    return 0;
}

/* ------------------------------------------------------------------------------------- the job */

static void child_begin(const struct operator_input *input, struct network *child)
{
    const struct model *model = child->model;
    for (uint32_t i = 0; i < input->job->parent_count; i++)
        assert(input->parents[i]->model == model && input->parents[i] != child);
    if (input->job->parent_count > 0) {
        network_copy(child, input->parents[0]);
        return;
    }
    size_t bytes = sizeof(float) * model->parameter_count;
    memset(child->parameters, 0, bytes);
    memset(child->m, 0, bytes);
    memset(child->v, 0, bytes);
    child->optimizer_step = 0;
    memset(child->damage, 0, model->unit_count);
}

void operator_apply(const struct operator_input *input, struct network *child,
                    struct operator_training *training, struct damage_list *hits)
{
    const struct job *job = input->job;
    const struct operator_row *row = find_row(job->call.name);
    assert(row != NULL && operator_check(job, NULL) == 0);
    struct mutation mutation = {
        .input = input,
        .child = child,
        .training = training,
        .hits = hits,
        .choices = random_open(job->seed, job->key.line, job->key.job, RANDOM_VICTIM),
        .fresh = random_open(job->seed, job->key.line, job->key.job, RANDOM_INIT),
    };
    damage_list_clear(hits);
    child_begin(input, child);
    row->apply(&mutation);
}
