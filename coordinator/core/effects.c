/* effects.c: appending effects, and the index lists that the tables are threaded on. */
#include "coordinator/core/core_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct core_effect *effect_add(struct core *core, enum core_effect_kind kind)
{
    if (core->effects == NULL)
        return NULL;
    assert(core->effects->count < CORE_EFFECTS_MAX);
    struct core_effect *effect = &core->effects->items[core->effects->count++];
    effect->kind = kind;
    return effect;
}

struct message *effect_send(struct core *core, const struct instance_id *to, enum message_kind kind)
{
    struct core_effect *effect = effect_add(core, CORE_SEND);
    if (effect == NULL)
        return NULL;
    effect->send.to = *to;
    effect->send.message.kind = kind;
    effect->send.message.epoch = core->config.epoch;
    return &effect->send.message;
}

void effect_verdict(struct core *core, const struct instance_id *to, const struct lease_key *lease,
                    enum verdict_kind verdict)
{
    struct message *message = effect_send(core, to, MESSAGE_VERDICT);
    if (message != NULL)
        message->verdict = (struct verdict){.lease = *lease, .kind = verdict};
}

void effect_note(struct core *core, struct note note, const char *format, ...)
{
    struct core_effect *effect = effect_add(core, CORE_NOTE);
    if (effect == NULL)
        return;
    effect->note.kind = note.kind;
    effect->note.has_job = note.job != NULL;
    effect->note.has_instance = note.instance != NULL;
    if (note.job != NULL)
        effect->note.job = *note.job;
    if (note.instance != NULL)
        effect->note.instance = *note.instance;
    effect->note.log_tail = note.log_tail;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(effect->note.text, sizeof effect->note.text, format, arguments);
    va_end(arguments);
}

void list_init(struct list *list)
{
    *list = (struct list){.head = NONE, .tail = NONE};
}

static struct link *link_at(struct link *links, size_t stride, uint32_t index)
{
    return (struct link *)(void *)((unsigned char *)links + stride * index);
}

void list_append(struct list *list, struct link *links, size_t stride, uint32_t index)
{
    *link_at(links, stride, index) = (struct link){.next = NONE, .previous = list->tail};
    if (list->tail == NONE)
        list->head = index;
    else
        link_at(links, stride, list->tail)->next = index;
    list->tail = index;
}

void list_remove(struct list *list, struct link *links, size_t stride, uint32_t index)
{
    struct link link = *link_at(links, stride, index);
    if (link.previous == NONE)
        list->head = link.next;
    else
        link_at(links, stride, link.previous)->next = link.next;
    if (link.next == NONE)
        list->tail = link.previous;
    else
        link_at(links, stride, link.next)->previous = link.previous;
}
