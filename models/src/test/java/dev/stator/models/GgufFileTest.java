package dev.stator.models;

import static dev.stator.models.GgufBytes.model;
import static dev.stator.models.GgufBytes.text;
import static dev.stator.models.GgufBytes.u32;
import static dev.stator.models.GgufBytes.u64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class GgufFileTest {
    private static final Path DEMO = Path.of(System.getProperty("stator.demo"), "model.gguf");
    private static final int F32 = 0;
    private static final int Q4_0 = 2;

    @TempDir Path folder;

    @Test
    void readsEveryTypeOfValue() {
        var file =
                GgufFile.read(
                        model().key("u8", 0, new byte[] {(byte) 200})
                                .key("i8", 1, new byte[] {-3})
                                .key("u16", 2, new byte[] {(byte) 0xff, (byte) 0xff})
                                .key("i16", 3, new byte[] {(byte) 0xfe, (byte) 0xff})
                                .key("u32", 4, u32(-1))
                                .key("i32", 5, u32(-7))
                                .key("f32", 6, u32(Float.floatToIntBits(1.5f)))
                                .key("bool", 7, new byte[] {1})
                                .key("string", "größe")
                                .key("u64", 10, u64(1L << 40))
                                .key("i64", 11, u64(-9))
                                .key("f64", 12, u64(Double.doubleToLongBits(0.1)))
                                .list("texts", GgufType.STRING, 3, text("a"), text(""), text("ccc"))
                                .list("numbers", GgufType.INT32, 2, u32(-1), u32(5))
                                .list("flags", GgufType.BOOL, 2, new byte[] {0, 1})
                                .list("nothing", GgufType.STRING, 0)
                                .write(folder));

        assertThat(file.version()).isEqualTo(3);
        assertThat(file.whole("u8")).hasValue(200);
        assertThat(file.whole("i8")).hasValue(-3);
        assertThat(file.whole("u16")).hasValue(65_535);
        assertThat(file.whole("i16")).hasValue(-2);
        assertThat(file.whole("u32")).hasValue(4_294_967_295L);
        assertThat(file.whole("i32")).hasValue(-7);
        assertThat(file.real("f32")).hasValue(1.5);
        assertThat(file.flag("bool")).contains(true);
        assertThat(file.text("string")).contains("größe");
        assertThat(file.whole("u64")).hasValue(1L << 40);
        assertThat(file.whole("i64")).hasValue(-9);
        assertThat(file.real("f64")).hasValue(0.1);
        assertThat(file.texts("texts", new TreeSet<>(List.of(-1L, 0L, 2L, 3L))))
                .containsOnly(entry(0L, "a"), entry(2L, "ccc"));
        assertThat(file.wholes("numbers", 10)).containsExactly(-1L, 5L);
        assertThat(file.wholes("flags", 10)).containsExactly(0L, 1L);
        assertThat(file.array("nothing").orElseThrow().count()).isZero();
        assertThat(file.text("u8")).isEmpty();
        assertThat(file.whole("absent")).isEmpty();
    }

    @Test
    void readsTheDemoModel() {
        var file = GgufFile.read(DEMO);

        assertThat(file.tensors()).hasSize(47);
        assertThat(file.tensor("blk.0.attn_k.weight"))
                .contains(
                        new GgufTensor(
                                "blk.0.attn_k.weight",
                                GgmlType.F16,
                                List.of(192L, 96L),
                                665_088,
                                36_864));
        assertThat(file.tensors().stream().mapToLong(GgufTensor::elements).sum())
                .isEqualTo(2_324_544);
    }

    @Test
    void readsVersion2() {
        assertThat(GgufFile.read(model().version(2).key("a", 1).write(folder)).whole("a"))
                .hasValue(1);
    }

    @Test
    void refusesLongAndMistypedLists() {
        var file =
                GgufFile.read(
                        model().list("numbers", GgufType.INT32, 3, u32(1), u32(2), u32(3))
                                .list("reals", GgufType.FLOAT32, 1, u32(0))
                                .write(folder));

        assertThatThrownBy(() -> file.wholes("numbers", 2))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("3 elements, more than 2");
        assertThatThrownBy(() -> file.wholes("reals", 2))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("not a list of integers");
        assertThatThrownBy(() -> file.texts("numbers", new TreeSet<>(List.of(1L))))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("not a list of texts");
    }

    static Stream<Arguments> damages() {
        return Stream.of(
                Arguments.of(
                        "<!DOCTYPE html>".getBytes(StandardCharsets.US_ASCII),
                        "is not a GGUF file: it begins with '<!DOCTYP', so it is a web page"),
                Arguments.of(
                        "version https://git-lfs".getBytes(StandardCharsets.US_ASCII),
                        "so it is a Git LFS pointer"),
                Arguments.of(new byte[] {'P', 'K', 3, 4}, "the bytes 50 4b 03 04, so it is a zip"),
                Arguments.of(new byte[] {'G', 'G'}, "it begins with 'GG'"),
                Arguments.of(new byte[0], "is empty"),
                Arguments.of(new byte[] {'G', 'G', 'U', 'F', 3}, "inside the version"),
                Arguments.of(model().version(1).bytes(), "is GGUF version 1"),
                Arguments.of(model().version(4).bytes(), "is GGUF version 4"),
                Arguments.of(model().version(3 << 24).bytes(), "is a big-endian GGUF file"),
                Arguments.of(
                        model().claimKeys(Long.MAX_VALUE).bytes(),
                        "claims 9223372036854775807 metadata keys"),
                Arguments.of(
                        model().claimTensors(-1).bytes(), "claims 18446744073709551615 tensors"),
                Arguments.of(model().claimKeys(1).bytes(), "the download is incomplete"),
                Arguments.of(model().key("", 1).bytes(), "metadata key 0 is empty"),
                Arguments.of(
                        model().key("a", 1).key("a", 2).bytes(), "the metadata key a occurs twice"),
                Arguments.of(
                        model().key("a", 13, u32(0)).bytes(),
                        "the metadata key a has the unknown type 13"),
                Arguments.of(
                        model().key("a", 8, u64(1L << 60)).bytes(),
                        "a claims 1152921504606846976 bytes, but only 0 are left"),
                Arguments.of(
                        model().key("a", 8, u64(2), new byte[] {(byte) 0xc3, 'x'}).bytes(),
                        "a is not UTF-8"),
                Arguments.of(
                        model().list("a", GgufType.UINT64, 1L << 61).bytes(),
                        "claims 2305843009213693952 elements"),
                Arguments.of(
                        model().list("a", GgufType.STRING, 1, u64(-1)).bytes(),
                        "element 0 of a claims 18446744073709551615 bytes"),
                Arguments.of(model().list("a", GgufType.ARRAY, 0).bytes(), "is a list of lists"),
                Arguments.of(
                        model().key("general.alignment", 24).bytes(),
                        "its alignment is 24, not a power of two"),
                Arguments.of(
                        model().key("general.alignment", "x").bytes(),
                        "general.alignment is not an unsigned integer"),
                Arguments.of(
                        model().tensor("t", F32, 0, 8).tensor("t", F32, 32, 8).weights(64).bytes(),
                        "the tensor t occurs twice"),
                Arguments.of(
                        model().tensor("t", 4, 0, 8).weights(32).bytes(),
                        "tensor t has the type 4, which llama.cpp does not know"),
                Arguments.of(
                        model().tensor("t", F32, 0, 1, 1, 1, 1, 1).weights(32).bytes(),
                        "tensor t has 5 dimensions, more than 4"),
                Arguments.of(
                        model().tensor("t", F32, 0, 1L << 32, 1L << 32).weights(32).bytes(),
                        "tensor t has the impossible dimensions [4294967296, 4294967296]"),
                Arguments.of(
                        model().tensor("t", F32, 0, 1L << 61, 2).weights(32).bytes(),
                        "tensor t has the impossible dimensions"),
                Arguments.of(
                        model().tensor("t", F32, 0, -1).weights(32).bytes(),
                        "tensor t has the impossible dimensions [18446744073709551615]"),
                Arguments.of(
                        model().tensor("t", Q4_0, 0, 48).weights(64).bytes(),
                        "tensor t has rows of 48 elements, which Q4_0 stores by 32"),
                Arguments.of(
                        model().tensor("t", F32, 0, 8).tensor("u", F32, 0, 8).weights(64).bytes(),
                        "tensor u begins at byte 0 of the weights instead of 32"),
                Arguments.of(
                        model().tensor("blk.3.attn_k.weight", F32, 0, 512).weights(1024).bytes(),
                        "tensor blk.3.attn_k.weight ends 1,024 bytes beyond the end of the file: the download is incomplete"),
                Arguments.of(
                        model().tensor("n".repeat(64), F32, 0, 1).weights(32).bytes(),
                        "the name of tensor 0 has 64 bytes, more than 63"));
    }

    @ParameterizedTest
    @MethodSource("damages")
    void saysWhatIsWrong(byte[] bytes, String sentence) throws IOException {
        var file = Files.write(folder.resolve("broken.gguf"), bytes);

        assertThatThrownBy(() -> GgufFile.read(file))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining(sentence)
                .hasMessageContaining("broken.gguf");
    }

    @Test
    void saysWhenThereIsNoFile() {
        assertThatThrownBy(() -> GgufFile.read(folder.resolve("none.gguf")))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("there is no file");
        assertThatThrownBy(() -> GgufFile.read(folder))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("is a folder");
    }
}
