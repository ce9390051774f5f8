/*
 * train_psa98.c: the topologies of the published study of persistent stochastic ablation, in its
 * order: one, two and four wide layers, squares, and the same deep and narrow.
 */
#include "tests/bench/train_run.h"

const char *const study_psa98[STUDY_PSA98] = {
    "mlp:1x2048", "mlp:1x1024", "mlp:1x512",   "mlp:1x256",  "mlp:1x128",  "mlp:1x64",  "mlp:1x32",
    "mlp:1x16",   "mlp:1x8",    "mlp:1x4",     "mlp:1x2",    "mlp:2x939",  "mlp:2x588", "mlp:2x354",
    "mlp:2x214",  "mlp:2x115",  "mlp:2x59",    "mlp:2x30",   "mlp:2x16",   "mlp:2x8",   "mlp:2x4",
    "mlp:4x632",  "mlp:4x425",  "mlp:4x280",   "mlp:4x185",  "mlp:4x119",  "mlp:4x76",  "mlp:4x47",
    "mlp:4x29",   "mlp:4x17",   "mlp:115x115", "mlp:91x91",  "mlp:71x71",  "mlp:56x56", "mlp:44x44",
    "mlp:35x35",  "mlp:32x32",  "mlp:31x31",   "mlp:30x30",  "mlp:29x29",  "mlp:28x28", "mlp:27x27",
    "mlp:26x26",  "mlp:25x25",  "mlp:24x24",   "mlp:23x23",  "mlp:22x22",  "mlp:21x21", "mlp:20x20",
    "mlp:19x19",  "mlp:18x18",  "mlp:17x17",   "mlp:16x16",  "mlp:15x15",  "mlp:14x14", "mlp:13x13",
    "mlp:12x12",  "mlp:11x11",  "mlp:10x10",   "mlp:9x9",    "mlp:8x8",    "mlp:7x7",   "mlp:6x6",
    "mlp:5x5",    "mlp:4x4",    "mlp:3x3",     "mlp:2x2",    "mlp:1x1",    "mlp:632x4", "mlp:425x4",
    "mlp:280x4",  "mlp:185x4",  "mlp:119x4",   "mlp:76x4",   "mlp:47x4",   "mlp:29x4",  "mlp:17x4",
    "mlp:939x2",  "mlp:588x2",  "mlp:354x2",   "mlp:214x2",  "mlp:115x2",  "mlp:59x2",  "mlp:30x2",
    "mlp:16x2",   "mlp:8x2",    "mlp:4x2",     "mlp:2048x1", "mlp:1024x1", "mlp:512x1", "mlp:256x1",
    "mlp:128x1",  "mlp:64x1",   "mlp:32x1",    "mlp:16x1",   "mlp:8x1",    "mlp:4x1",   "mlp:2x1",
};
