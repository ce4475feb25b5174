package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.CacheException;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class CacheCodecTest {
    private static KvShape kv(String type, int keyBytes, int valueBytes) {
        return new KvShape(type, Collections.nCopies(3, new KvShape.Layer(keyBytes, valueBytes)));
    }

    private static ModelInfo model() {
        return new ModelInfo(
                "m",
                "llama",
                "",
                1,
                1,
                512,
                100,
                64,
                Optional.of(kv("f16", 128, 128)),
                "abc",
                Optional.empty(),
                true,
                false);
    }

    @Test
    void codecsKnowHowLongANumberIs() {
        assertThat(CacheCodec.RAW.payloads(kv("q8_0", 34, 34))).isEqualTo(PayloadCodec.RAW);
        assertThat(CacheCodec.LOSSLESS.payloads(kv("bf16", 128, 128)))
                .isEqualTo(new PayloadCodec.Lossless(2));
        assertThat(CacheCodec.LOSSLESS.payloads(kv("q8_0", 34, 34)))
                .isEqualTo(new PayloadCodec.Lossless(1));
        assertThat(CacheCodec.Q8_0.payloads(kv("f16", 64, 192))).isEqualTo(new PayloadCodec.Q8(2));
        assertThat(CacheCodec.Q8_0.payloads(kv("f32", 128, 128))).isEqualTo(new PayloadCodec.Q8(4));
    }

    @Test
    void kvThatCannotBeRoundedIsRefusedAndSaysWhy() {
        assertThatThrownBy(() -> CacheCodec.Q8_0.payloads(kv("bf16", 128, 128)))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("rounds KV of type f16 or f32, and this model's is bf16");
        assertThatThrownBy(() -> CacheCodec.Q8_0.payloads(kv("q8_0", 34, 34)))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("this model's is q8_0");
        assertThatThrownBy(() -> CacheCodec.Q8_0.payloads(kv("f16", 128, 80)))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining(
                        "rows of a multiple of 32 numbers, and this model has rows of 64 and 40");
        assertThatThrownBy(() -> CacheCodec.Q8_0.payloads(kv("f32", 64, 128)))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("rows of 16 and 32");
    }

    @Test
    void aModelIsAnotherOneToWhoeverLosesPartOfItsKv() {
        var model = model();
        assertThat(CacheCodec.known(model, List.of())).isEqualTo(model);
        assertThat(CacheCodec.known(model, List.of(CacheCodec.RAW, CacheCodec.LOSSLESS)))
                .isEqualTo(model);
        assertThat(CacheCodec.known(model, List.of(CacheCodec.RAW, CacheCodec.Q8_0)).fingerprint())
                .isEqualTo("q8_0:abc");
    }
}
