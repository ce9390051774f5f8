/*
 * control_trace.c: trains a small net under each control and prints all that another program needs
 * to train it again, as JSON: one object for the data, then one for each training.
 *
 *   e2e_control_trace
 *
 * torch_controls.test gives it to PyTorch.
 */
#include "tests/unit/worker/engine/control_cases.h"
#include "tests/unit/worker/engine/setting.h"
#include "worker/engine/data_order.h"

#include <inttypes.h>
#include <stdio.h>

static void print_floats(const char *name, const float *values, uint64_t count)
{
    printf("\"%s\": [", name);
    for (uint64_t i = 0; i < count; i++)
        printf("%s%.9g", i == 0 ? "" : ", ", (double)values[i]);
    printf("]");
}

static void print_inputs(const struct setting *setting)
{
    printf("\"inputs\": [");
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (uint32_t j = 0; j < INPUTS; j++)
            printf("%s%.9g", i + j == 0 ? "" : ", ",
                   (double)fixture_input(&setting->data.samples, i, j));
    printf("], \"labels\": [");
    for (uint32_t i = 0; i < SAMPLES; i++)
        printf("%s%u", i == 0 ? "" : ", ", setting->data.samples.labels[i]);
    printf("]");
}

/* The samples of each mini-batch of a training. */
static void print_batches(const struct setting *setting)
{
    const bool shuffled = setting->training.order == ORDER_SHUFFLED;
    uint32_t permutation[SAMPLES];
    printf("\"batches\": [");
    for (uint64_t step = 0; step < CONTROL_STEPS; step++) {
        uint32_t first = (uint32_t)(step % PER_EPOCH) * BATCH;
        uint32_t end = first + BATCH < SAMPLES ? first + BATCH : SAMPLES;
        const struct epoch_order epoch = {setting_order, step / PER_EPOCH, SAMPLES};
        data_order_shuffle(&epoch, permutation);
        printf("%s[", step == 0 ? "" : ", ");
        for (uint32_t i = first; i < end; i++)
            printf("%s%u", i == first ? "" : ", ",
                   setting->data.slice.index[shuffled ? permutation[i] : i]);
        printf("]");
    }
    printf("]");
}

/* [in, out] of each layer; W, then b of each lie one behind the other. */
static void print_layers(const struct model *model)
{
    printf("\"layers\": [");
    for (uint32_t i = 0; i < model->layer_count; i++)
        printf("%s[%u, %u]", i == 0 ? "" : ", ", model->layers[i].in, model->layers[i].out);
    printf("]");
}

static void print_settings(const struct control_case *control, const struct training_settings *s)
{
    static const char *const kinds[] = {"constant", "cosine", "sgdr", "geometric"};
    const struct schedule *schedule = &s->schedule;
    printf("\"name\": \"%s\", \"optimizer\": \"%s\", \"lr\": %.17g, \"beta1\": %.17g, "
           "\"beta2\": %.17g, \"eps\": %.17g, \"momentum\": %.17g, \"l2\": %.17g, "
           "\"weight_decay\": %.17g, \"label_smoothing\": %.17g, \"clip_norm\": %.17g, "
           "\"clamp_norm\": %.17g, ",
           control->name, s->optimizer == OPTIMIZER_SGD ? "sgd" : "adamw", s->lr, s->beta1,
           s->beta2, s->eps, s->momentum, s->l2, control->weight_decay, s->label_smoothing,
           s->clip_norm, s->clamp_norm);
    printf("\"schedule\": \"%s\", \"warmup\": %" PRIu64 ", \"steps\": %" PRIu64
           ", \"restart_steps\": %" PRIu64 ", \"restart_factor\": %" PRIu64
           ", \"final\": %.17g, \"decay\": %.17g, \"decay_steps\": %" PRIu64,
           kinds[schedule->kind], schedule->warmup, schedule->steps, schedule->restart_steps,
           schedule->restart_factor, schedule->final, schedule->decay, schedule->decay_steps);
}

static void trace(struct setting *setting, const struct control_case *control,
                  enum optimizer optimizer)
{
    uint64_t count = setting->model->parameter_count;
    struct cohort_member member = setting_member(setting, 0);
    member.weight_decay = control->weight_decay;
    setting->training = control_case_training(control, optimizer, BATCH);
    printf("{");
    print_settings(control, &setting->training);
    printf(", ");
    print_batches(setting);
    printf(", ");
    print_floats("before", member.network->parameters, count);
    struct engine *engine = setting_engine(setting, kernels_current());
    setting_train(engine, setting, (struct step_range){0, CONTROL_STEPS}, &member, 1);
    engine_destroy(&engine);
    printf(", ");
    print_floats("after", member.network->parameters, count);
    printf(", \"loss_sum\": %.17g}\n", member.loss_sum);
    setting_close_members(&member, 1);
}

int main(void)
{
    struct setting setting = setting_open("mlp:[2x5,1x17]", ACTIVATION_TANH);
    const struct control_case *control;
    printf("{");
    print_inputs(&setting);
    printf(", ");
    print_layers(setting.model);
    printf("}\n");
    for (uint32_t i = 0; (control = control_case_at(i)) != NULL; i++) {
        trace(&setting, control, OPTIMIZER_ADAMW);
        trace(&setting, control, OPTIMIZER_SGD);
    }
    setting_close(&setting);
    return 0;
}
