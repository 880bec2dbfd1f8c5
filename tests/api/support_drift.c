/* SPDX-License-Identifier: MIT */
/* support_drift.c - observations of a made-up world. */
#include "support_drift.h"

#include <math.h>

void drift_world_init(struct drift_world *world, uint64_t seed)
{
    *world = (struct drift_world){.random = seed, .scale = 1};
}

/* About normal: the sum of twelve uniform numbers. */
static float normal(uint64_t *random)
{
    uint32_t sum = 0;

    for (int i = 0; i < 12; i++)
        sum += test_random(random, 10001);
    return (float)sum / 10000 - 6;
}

void drift_observe(struct drift_world *world, float vector[DRIFT_DIM], bert_observation *out)
{
    float common = normal(&world->random);
    uint32_t unknown = (uint32_t)(world->unknown * 10);

    *out = (bert_observation)BERT_OBSERVATION_INIT;
    for (int i = 0; i < DRIFT_DIM; i++)
        vector[i] = (common + normal(&world->random) * (float)(i + 1) / 4) * world->scale + 1
                    + world->shift;
    out->embedding = vector;
    out->has = BERT_OBSERVED_SCORE | BERT_OBSERVED_CONFIDENCE | BERT_OBSERVED_ENTROPY
               | BERT_OBSERVED_LABEL | BERT_OBSERVED_TOKENS | BERT_OBSERVED_UNKNOWN;
    out->score = normal(&world->random);
    out->confidence = 1 - (float)test_random(&world->random, 1000) / 2000 - world->confidence;
    out->entropy = out->confidence * out->confidence;
    out->label = test_random(&world->random, DRIFT_LABELS);
    if (test_random(&world->random, 100) < world->label)
        out->label = 0;
    out->tokens = 5 + test_random(&world->random, 20);
    out->unknown = test_random(&world->random, 20) == 0 ? 1 : unknown;
}

bert_profile_options drift_profile_options(void)
{
    bert_profile_options o = BERT_PROFILE_OPTIONS_INIT;

    o.dimensions = DRIFT_DIM;
    o.labels = DRIFT_LABELS;
    o.window = DRIFT_WINDOW;
    o.sample = 1200;
    o.replicates = 500;
    o.model = "made up";
    return o;
}

bert_profile *drift_profile(const bert_profile_options *options, uint64_t seed, int n)
{
    struct drift_world world;
    float vector[DRIFT_DIM];
    bert_observation o;
    bert_profile *profile;
    bert_error err;

    drift_world_init(&world, seed);
    test_ok(bert_profile_create(&profile, options, &err), &err);
    for (int i = 0; i < n; i++) {
        drift_observe(&world, vector, &o);
        test_ok(bert_profile_add(profile, &o, &err), &err);
    }
    test_ok(bert_profile_finish(profile, &err), &err);
    return profile;
}
