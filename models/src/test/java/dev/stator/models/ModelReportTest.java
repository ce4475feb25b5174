package dev.stator.models;

import static dev.stator.models.GgufBytes.model;
import static dev.stator.models.GgufBytes.text;
import static dev.stator.models.GgufBytes.u32;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

final class ModelReportTest {
    private static final Path DEMO = Path.of(System.getProperty("stator.demo"), "model.gguf");

    @TempDir Path folder;

    @Test
    void describesTheDemoModel() {
        var report = ModelReport.of(DEMO);

        assertThat(report.name()).contains("docqa-demo");
        assertThat(report.architecture()).isEqualTo("llama");
        assertThat(report.parameters()).isEqualTo(2_324_544);
        assertThat(report.quantisation()).isEqualTo("F16");
        assertThat(report.contextTokens()).hasValue(4096);
        assertThat(report.layers()).isEqualTo(5);
        assertThat(report.attention().heads()).containsExactly(6L);
        assertThat(report.attention().kvHeads()).containsExactly(3L);
        assertThat(report.attention().keyLength()).hasValue(32);
        assertThat(report.kv().bytesPerTokenF16()).hasValue(5 * 3 * (32 + 32) * 2);
        assertThat(report.kv().bytesPerTokenQ8()).hasValue(5 * 3 * (32 + 32) / 32 * 34);
        assertThat(report.kv().cutIntoBlocks()).isTrue();
        assertThat(report.vocabulary().tokens()).isEqualTo(1536);
        assertThat(report.vocabulary().specials().get("eos"))
                .isEqualTo(new ModelReport.Special(1535, Optional.of("<|im_end|>")));
        assertThat(report.chatTemplate().orElseThrow()).contains("<|im_start|>");
    }

    @Test
    void readsWellAsText() {
        assertThat(ModelReport.of(DEMO).text())
                .contains("architecture    llama, 5 layers, width 192, feed-forward 512\n")
                .contains("parameters      2.3 million\n")
                .contains("KV              1,920 bytes a token as f16, 1,020 as q8_0; 7.86 MB")
                .contains("prefix reuse    yes")
                .contains("eos 1535 '<|im_end|>'");
    }

    @Test
    void readsWellAsJson() {
        var json = JsonMapper.shared().readTree(ModelReport.of(DEMO).json());

        assertThat(json.path("kv").path("bytesPerTokenF16").asLong()).isEqualTo(1920);
        assertThat(json.path("vocabulary").path("specials").path("bos").path("token").asInt())
                .isEqualTo(1533);
        assertThat(json.path("rope").has("scaling")).isFalse();
        assertThat(json.path("name").asString()).isEqualTo("docqa-demo");
    }

    @Test
    void respectsKvHeadsThatDifferByLayer() {
        var report =
                ModelReport.of(
                        llama("deci", 3)
                                .list(
                                        "deci.attention.head_count_kv",
                                        GgufType.INT32,
                                        3,
                                        u32(8),
                                        u32(0),
                                        u32(2))
                                .write(folder));

        assertThat(report.attention().kvHeads()).containsExactly(8L, 0L, 2L);
        assertThat(report.kv().bytesPerTokenF16()).hasValue((8 + 0 + 2) * (64 + 64) * 2);
        assertThat(report.text()).contains("0 to 8 (by layer) KV heads");
    }

    @Test
    void takesHeadSizesFromTheFileBeforeDividing() {
        var report =
                ModelReport.of(
                        llama("qwen3", 2)
                                .key("qwen3.attention.key_length", 128)
                                .key("qwen3.attention.value_length", 96)
                                .write(folder));

        assertThat(report.kv().bytesPerTokenF16()).hasValue(2 * 8 * (128 + 96) * 2);
    }

    @Test
    void leavesOutQ8WhereRowsDoNotFit() {
        var report =
                ModelReport.of(
                        llama("llama", 2)
                                .key("llama.attention.head_count_kv", 1)
                                .key("llama.attention.key_length", 80)
                                .write(folder));

        assertThat(report.kv().bytesPerTokenF16()).isPresent();
        assertThat(report.kv().bytesPerTokenQ8()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "mamba, recurrent",
        "rwkv7, recurrent",
        "jamba, hybrid",
        "qwen3next, hybrid",
        "bert, whole texts",
        "t5, whole texts",
        "gemma2, sliding-window",
        "llama4, sliding-window",
        "deepseek32, index"
    })
    void namesArchitecturesThatAreNotCutIntoBlocks(String architecture, String reason) {
        var report = ModelReport.of(llama(architecture, 2).write(folder));

        assertThat(report.kv().cutIntoBlocks()).isFalse();
        assertThat(report.kv().notCutBecause().orElseThrow()).contains(reason);
        assertThat(report.text()).contains("not cut into blocks: ");
    }

    @Test
    void countsKeysOnlyOfLatentAttention() {
        var report =
                ModelReport.of(
                        llama("deepseek2", 2)
                                .key("deepseek2.attention.head_count_kv", 1)
                                .key("deepseek2.attention.key_length", 576)
                                .key("deepseek2.attention.value_length", 512)
                                .key("deepseek2.attention.key_length_mla", 192)
                                .write(folder));

        assertThat(report.kv().bytesPerTokenF16()).hasValue(2 * 576 * 2);
        assertThat(report.kv().notCutBecause().orElseThrow()).contains("latent attention");
    }

    @Test
    void notesAWindowOnlyWhereLlamaCppAppliesIt() {
        var gemma = llama("gemma3", 2).key("gemma3.attention.sliding_window", 1024);
        assertThat(ModelReport.of(gemma.write(folder)).attention().slidingWindow()).hasValue(1024);

        var phi = llama("phi3", 2).key("phi3.attention.sliding_window", 2048);
        var report = ModelReport.of(phi.write(folder));
        assertThat(report.attention().slidingWindow()).isEmpty();
        assertThat(report.kv().cutIntoBlocks()).isTrue();
    }

    @Test
    void refusesFilesThatDescribeNoModel() {
        var nameless = model().key("general.name", "x").write(folder);
        assertThatThrownBy(() -> ModelReport.of(nameless))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("names no architecture");

        var short3 =
                llama("llama", 3)
                        .list("llama.attention.head_count_kv", GgufType.INT32, 1, u32(8))
                        .write(folder);
        assertThatThrownBy(() -> ModelReport.of(short3))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("impossible llama.attention.head_count_kv for 3 layers");

        var huge =
                model().key("general.architecture", "llama")
                        .key("llama.block_count", -1)
                        .write(folder);
        assertThatThrownBy(() -> ModelReport.of(huge))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("4294967295 layers");
    }

    @Test
    void addsUpThePartsOfASplitModel() throws IOException {
        var first = folder.resolve("m-00001-of-00003.gguf");
        Files.write(
                first,
                llama("llama", 1)
                        .key("split.count", 3)
                        .key("split.no", 0)
                        .tensor("a", 0, 0, 8)
                        .weights(32)
                        .bytes());
        Files.write(
                folder.resolve("m-00002-of-00003.gguf"),
                model().key("split.count", 3)
                        .key("split.no", 1)
                        .tensor("b", 0, 0, 16)
                        .weights(64)
                        .bytes());

        var report = ModelReport.of(first);

        assertThat(report.parameters()).isEqualTo(24);
        assertThat(report.missingParts()).containsExactly("m-00003-of-00003.gguf");
        assertThat(report.text()).contains("MISSING parts: m-00003-of-00003.gguf");
        assertThatThrownBy(() -> ModelReport.of(folder.resolve("m-00002-of-00003.gguf")))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("is part 2 of 3 of a split model; name the first part");
    }

    @Test
    void sendsNoControlCharactersToTheTerminal() {
        var report =
                ModelReport.of(
                        llama("llama", 1)
                                .key("general.name", "evil\u001b[2J")
                                .list("tokenizer.ggml.tokens", GgufType.STRING, 1, text("\u001bc"))
                                .key("tokenizer.ggml.bos_token_id", 0)
                                .key("tokenizer.chat_template", "a\u0007b")
                                .write(folder));

        assertThat(report.text()).doesNotContain("\u001b").doesNotContain("\u0007");
        assertThat(report.name()).contains("evil\u001b[2J");
    }

    /** 8 heads of 64. */
    private static GgufBytes llama(String architecture, int layers) {
        return model().key("general.architecture", architecture)
                .key(architecture + ".block_count", layers)
                .key(architecture + ".embedding_length", 512)
                .key(architecture + ".attention.head_count", 8);
    }
}
