package dev.stator.engine.llama;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.stator.engine.EngineException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The structs of llama.h at v0.5.0 that cross the boundary by value, and the proof that the loaded
 * library agrees with them.
 *
 * <p>A library of another version may order fields differently, which would corrupt memory
 * silently. So the defaults that the library fills in are read back through these layouts and
 * compared with what v0.5.0 is known to fill in: a shifted field shows.
 */
final class Layouts {
    static final String VERSION = "v0.5.0";

    static final StructLayout MODEL_PARAMS =
            MemoryLayout.structLayout(
                    ADDRESS.withName("devices"),
                    ADDRESS.withName("tensor_buft_overrides"),
                    JAVA_INT.withName("n_gpu_layers"),
                    JAVA_INT.withName("split_mode"),
                    JAVA_INT.withName("load_mode"),
                    JAVA_INT.withName("lazy_mode"),
                    JAVA_INT.withName("main_gpu"),
                    MemoryLayout.paddingLayout(4),
                    ADDRESS.withName("tensor_split"),
                    ADDRESS.withName("progress_callback"),
                    ADDRESS.withName("progress_callback_user_data"),
                    ADDRESS.withName("kv_overrides"),
                    JAVA_BOOLEAN.withName("vocab_only"),
                    JAVA_BOOLEAN.withName("check_tensors"),
                    JAVA_BOOLEAN.withName("use_extra_bufts"),
                    JAVA_BOOLEAN.withName("no_host"),
                    JAVA_BOOLEAN.withName("no_alloc"),
                    JAVA_BOOLEAN.withName("load_mtp"),
                    MemoryLayout.paddingLayout(2));

    static final StructLayout CONTEXT_PARAMS =
            MemoryLayout.structLayout(
                    JAVA_INT.withName("n_ctx"),
                    JAVA_INT.withName("n_batch"),
                    JAVA_INT.withName("n_ubatch"),
                    JAVA_INT.withName("n_seq_max"),
                    JAVA_INT.withName("n_rs_seq"),
                    JAVA_INT.withName("n_outputs_max"),
                    JAVA_INT.withName("n_outputs_max_per_seq"),
                    JAVA_INT.withName("n_threads"),
                    JAVA_INT.withName("n_threads_batch"),
                    JAVA_INT.withName("ctx_type"),
                    JAVA_INT.withName("rope_scaling_type"),
                    JAVA_INT.withName("pooling_type"),
                    JAVA_INT.withName("attention_type"),
                    JAVA_INT.withName("flash_attn_type"),
                    JAVA_FLOAT.withName("rope_freq_base"),
                    JAVA_FLOAT.withName("rope_freq_scale"),
                    JAVA_FLOAT.withName("yarn_ext_factor"),
                    JAVA_FLOAT.withName("yarn_attn_factor"),
                    JAVA_FLOAT.withName("yarn_beta_fast"),
                    JAVA_FLOAT.withName("yarn_beta_slow"),
                    JAVA_INT.withName("yarn_orig_ctx"),
                    JAVA_FLOAT.withName("defrag_thold"),
                    ADDRESS.withName("cb_eval"),
                    ADDRESS.withName("cb_eval_user_data"),
                    JAVA_INT.withName("type_k"),
                    JAVA_INT.withName("type_v"),
                    ADDRESS.withName("abort_callback"),
                    ADDRESS.withName("abort_callback_data"),
                    JAVA_BOOLEAN.withName("embeddings"),
                    JAVA_BOOLEAN.withName("offload_kqv"),
                    JAVA_BOOLEAN.withName("no_perf"),
                    JAVA_BOOLEAN.withName("op_offload"),
                    JAVA_BOOLEAN.withName("swa_full"),
                    JAVA_BOOLEAN.withName("kv_unified"),
                    MemoryLayout.paddingLayout(2),
                    ADDRESS.withName("samplers"),
                    JAVA_LONG.withName("n_samplers"),
                    ADDRESS.withName("ctx_other"));

    static final StructLayout BATCH =
            MemoryLayout.structLayout(
                    JAVA_INT.withName("n_tokens"),
                    MemoryLayout.paddingLayout(4),
                    ADDRESS.withName("token"),
                    ADDRESS.withName("embd"),
                    ADDRESS.withName("pos"),
                    ADDRESS.withName("n_seq_id"),
                    ADDRESS.withName("seq_id"),
                    ADDRESS.withName("logits"));

    static final StructLayout CHAIN_PARAMS =
            MemoryLayout.structLayout(JAVA_BOOLEAN.withName("no_perf"));

    static final StructLayout TOKEN_DATA =
            MemoryLayout.structLayout(
                    JAVA_INT.withName("id"),
                    JAVA_FLOAT.withName("logit"),
                    JAVA_FLOAT.withName("p"));

    static final StructLayout TOKEN_DATA_ARRAY =
            MemoryLayout.structLayout(
                    ADDRESS.withName("data"),
                    JAVA_LONG.withName("size"),
                    JAVA_LONG.withName("selected"),
                    JAVA_BOOLEAN.withName("sorted"),
                    MemoryLayout.paddingLayout(7));

    static final StructLayout LOGIT_BIAS =
            MemoryLayout.structLayout(JAVA_INT.withName("token"), JAVA_FLOAT.withName("bias"));

    private Layouts() {}

    static long offset(StructLayout layout, String field) {
        return layout.byteOffset(PathElement.groupElement(field));
    }

    static void putInt(MemorySegment struct, StructLayout layout, String field, int value) {
        struct.set(JAVA_INT, offset(layout, field), value);
    }

    static void putBoolean(MemorySegment struct, StructLayout layout, String field, boolean value) {
        struct.set(JAVA_BOOLEAN, offset(layout, field), value);
    }

    static void putAddress(
            MemorySegment struct, StructLayout layout, String field, MemorySegment value) {
        struct.set(ADDRESS, offset(layout, field), value);
    }

    /**
     * Throws unless the defaults that the library fills in are those of {@link #VERSION}, field for
     * field.
     */
    static void verify(String version, MemorySegment modelDefaults, MemorySegment contextDefaults) {
        var wrong = new ArrayList<String>();
        expectInts(
                wrong,
                modelDefaults,
                MODEL_PARAMS,
                "n_gpu_layers",
                -1,
                "split_mode",
                1,
                "load_mode",
                -1,
                "lazy_mode",
                1,
                "main_gpu",
                0);
        expectBooleans(
                wrong,
                modelDefaults,
                MODEL_PARAMS,
                "vocab_only",
                false,
                "check_tensors",
                false,
                "use_extra_bufts",
                true,
                "no_host",
                false,
                "no_alloc",
                false,
                "load_mtp",
                false);
        expectNull(
                wrong,
                modelDefaults,
                MODEL_PARAMS,
                "devices",
                "tensor_buft_overrides",
                "tensor_split",
                "progress_callback",
                "kv_overrides");
        expectInts(
                wrong,
                contextDefaults,
                CONTEXT_PARAMS,
                "n_ctx",
                512,
                "n_batch",
                2048,
                "n_ubatch",
                512,
                "n_seq_max",
                1,
                "n_rs_seq",
                0,
                "n_outputs_max",
                0,
                "n_outputs_max_per_seq",
                1,
                "n_threads",
                4,
                "n_threads_batch",
                4,
                "ctx_type",
                0,
                "rope_scaling_type",
                -1,
                "pooling_type",
                -1,
                "attention_type",
                -1,
                "flash_attn_type",
                -1,
                "yarn_orig_ctx",
                0,
                "type_k",
                1,
                "type_v",
                1);
        for (var field :
                List.of(
                        "yarn_ext_factor",
                        "yarn_attn_factor",
                        "yarn_beta_fast",
                        "yarn_beta_slow",
                        "defrag_thold")) {
            if (contextDefaults.get(JAVA_FLOAT, offset(CONTEXT_PARAMS, field)) != -1f) {
                wrong.add(field);
            }
        }
        expectBooleans(
                wrong,
                contextDefaults,
                CONTEXT_PARAMS,
                "embeddings",
                false,
                "offload_kqv",
                true,
                "no_perf",
                true,
                "op_offload",
                true,
                "swa_full",
                true,
                "kv_unified",
                false);
        expectNull(
                wrong,
                contextDefaults,
                CONTEXT_PARAMS,
                "cb_eval",
                "abort_callback",
                "samplers",
                "ctx_other");
        if (contextDefaults.get(JAVA_LONG, offset(CONTEXT_PARAMS, "n_samplers")) != 0) {
            wrong.add("n_samplers");
        }
        if (!wrong.isEmpty()) {
            throw new EngineException(
                    "this llama.cpp library (it calls itself %s) does not have the struct layouts of %s: unexpected defaults in %s. Point STATOR_LLAMA_DIR at a build of %s"
                            .formatted(version, VERSION, wrong, VERSION));
        }
    }

    private static void expectInts(
            List<String> wrong,
            MemorySegment struct,
            StructLayout layout,
            Object... fieldsAndValues) {
        for (int i = 0; i < fieldsAndValues.length; i += 2) {
            String field = (String) fieldsAndValues[i];
            if (struct.get(JAVA_INT, offset(layout, field)) != (Integer) fieldsAndValues[i + 1]) {
                wrong.add(field);
            }
        }
    }

    private static void expectBooleans(
            List<String> wrong,
            MemorySegment struct,
            StructLayout layout,
            Object... fieldsAndValues) {
        for (int i = 0; i < fieldsAndValues.length; i += 2) {
            String field = (String) fieldsAndValues[i];
            byte raw = struct.get(java.lang.foreign.ValueLayout.JAVA_BYTE, offset(layout, field));
            if (raw != ((Boolean) fieldsAndValues[i + 1] ? 1 : 0)) {
                wrong.add(field);
            }
        }
    }

    private static void expectNull(
            List<String> wrong, MemorySegment struct, StructLayout layout, String... fields) {
        for (var field : fields) {
            if (!struct.get(ADDRESS, offset(layout, field)).equals(MemorySegment.NULL)) {
                wrong.add(field);
            }
        }
    }
}
