/*
 * The reference of the benchmark "engine": llama.cpp driven by nothing but a loop.
 *
 * bare MODEL LIBRARIES CELLS SEQUENCES BATCH THREADS UNIFIED
 *
 * Loads the model once, prints "ready", then answers each line "run STREAMS PROMPT ANSWER", followed by
 * STREAMS * PROMPT token ids, with "done PREFILL DECODE PREFILL_CPU DECODE_CPU" in seconds. Prompts are computed in batches
 * of BATCH tokens, stream after stream; PREFILL ends when every stream has its first token. Then each step
 * computes one token for every stream, until each has ANSWER tokens. Sampling is greedy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ggml-backend.h"
#include "llama.h"

static void quiet(enum ggml_log_level level, const char * text, void * data) {
    (void) data;
    if (level == GGML_LOG_LEVEL_ERROR) {
        fputs(text, stderr);
    }
}

static void fail(const char * message) {
    fprintf(stderr, "bare: %s\n", message);
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void add(struct llama_batch * batch, llama_token token, int position, int sequence, int output) {
    int i = batch->n_tokens++;
    batch->token[i] = token;
    batch->pos[i] = position;
    batch->n_seq_id[i] = 1;
    batch->seq_id[i][0] = sequence;
    batch->logits[i] = (int8_t) output;
}

struct loop {
    struct llama_context * context;
    struct llama_sampler * sampler;
    struct llama_batch batch;
    int batch_size;
    llama_token * next;  /* the token that each stream chose last */
    int * output;        /* its index in the batch, or -1 */
};

static void step(struct loop * loop, int streams) {
    if (llama_decode(loop->context, loop->batch) != 0) {
        fail("llama_decode failed");
    }
    for (int s = 0; s < streams; s++) {
        if (loop->output[s] >= 0) {
            loop->next[s] = llama_sampler_sample(loop->sampler, loop->context, loop->output[s]);
            loop->output[s] = -1;
        }
    }
    loop->batch.n_tokens = 0;
}

static void prefill(struct loop * loop, int streams, int prompt, const llama_token * tokens) {
    for (int s = 0; s < streams; s++) {
        for (int i = 0; i < prompt; i++) {
            int last = i == prompt - 1;
            if (last) {
                loop->output[s] = loop->batch.n_tokens;
            }
            add(&loop->batch, tokens[s * prompt + i], i, s, last);
            if (loop->batch.n_tokens == loop->batch_size || (last && s == streams - 1)) {
                step(loop, streams);
            }
        }
    }
}

static void decode(struct loop * loop, int streams, int prompt, int answer) {
    for (int i = 1; i < answer; i++) {
        for (int s = 0; s < streams; s++) {
            loop->output[s] = loop->batch.n_tokens;
            add(&loop->batch, loop->next[s], prompt + i - 1, s, 1);
        }
        step(loop, streams);
    }
}

int main(int argc, char ** argv) {
    if (argc != 8) {
        fail("usage: bare MODEL LIBRARIES CELLS SEQUENCES BATCH THREADS UNIFIED");
    }
    llama_log_set(quiet, NULL);
    ggml_backend_load_all_from_path(argv[2]);
    llama_backend_init();

    struct llama_model * model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (model == NULL) {
        fail("cannot load the model");
    }
    int sequences = atoi(argv[4]);
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = (uint32_t) atoi(argv[3]);
    params.n_seq_max = (uint32_t) sequences;
    params.n_batch = (uint32_t) atoi(argv[5]);
    params.n_ubatch = params.n_batch < 512 ? params.n_batch : 512;
    /* whole cache lines, as Stator has it; with fewer, rows of results lie across two lines and AMX is a third slower */
    params.n_outputs_max = (uint32_t) (sequences + 15) / 16 * 16;
    params.n_threads = atoi(argv[6]);
    params.n_threads_batch = params.n_threads;
    params.type_k = GGML_TYPE_F16;
    params.type_v = GGML_TYPE_F16;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    params.kv_unified = atoi(argv[7]) != 0;

    struct loop loop;
    loop.context = llama_init_from_model(model, params);
    if (loop.context == NULL) {
        fail("cannot open a context");
    }
    loop.sampler = llama_sampler_chain_init(llama_sampler_chain_default_params());
    llama_sampler_chain_add(loop.sampler, llama_sampler_init_greedy());
    loop.batch_size = atoi(argv[5]);
    loop.batch = llama_batch_init(loop.batch_size, 0, 1);
    loop.batch.n_tokens = 0;
    loop.next = calloc((size_t) sequences, sizeof(llama_token));
    loop.output = malloc((size_t) sequences * sizeof(int));
    memset(loop.output, 0xff, (size_t) sequences * sizeof(int));
    puts("ready");
    fflush(stdout);

    int streams, prompt, answer;
    while (scanf(" run %d %d %d", &streams, &prompt, &answer) == 3) {
        if (streams < 1 || streams > sequences || streams > loop.batch_size || prompt < 1) {
            fail("streams or prompt out of range");
        }
        llama_token * tokens = malloc((size_t) streams * (size_t) prompt * sizeof(llama_token));
        for (int i = 0; i < streams * prompt; i++) {
            if (scanf("%d", &tokens[i]) != 1) {
                fail("a token is missing");
            }
        }
        llama_memory_clear(llama_get_memory(loop.context), false);
        double wall[3], cpu[3];
        wall[0] = seconds(CLOCK_MONOTONIC);
        cpu[0] = seconds(CLOCK_PROCESS_CPUTIME_ID);
        prefill(&loop, streams, prompt, tokens);
        wall[1] = seconds(CLOCK_MONOTONIC);
        cpu[1] = seconds(CLOCK_PROCESS_CPUTIME_ID);
        decode(&loop, streams, prompt, answer);
        wall[2] = seconds(CLOCK_MONOTONIC);
        cpu[2] = seconds(CLOCK_PROCESS_CPUTIME_ID);
        printf("done %.9f %.9f %.9f %.9f\n", wall[1] - wall[0], wall[2] - wall[1], cpu[1] - cpu[0], cpu[2] - cpu[1]);
        fflush(stdout);
        free(tokens);
    }
    llama_free(loop.context);
    llama_model_free(model);
    return 0;
}
