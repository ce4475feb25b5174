package dev.stator.serving;

import dev.stator.cache.CacheException;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import java.util.List;

/** What blocks are written as to a tier below the host tier. */
public enum CacheCodec {
    RAW,
    LOSSLESS,
    Q8_0;

    /** Numbers that share a scale; none may be of two rows. */
    private static final int GROUP = 32;

    public boolean isLossy() {
        return this == Q8_0;
    }

    /**
     * The model as those know it whose tiers are written with these codecs. KV that was rounded is
     * another model's to everybody who did not choose that: so is what is computed after it, so
     * that no block of it, in whatever tier or file or on whatever peer, is ever taken for exact.
     */
    public static ModelInfo known(ModelInfo model, List<CacheCodec> codecs) {
        return codecs.stream().anyMatch(CacheCodec::isLossy)
                ? model.withFingerprint("q8_0:" + model.fingerprint())
                : model;
    }

    /**
     * @throws CacheException if KV of this shape cannot be written so
     */
    PayloadCodec payloads(KvShape kv) {
        return switch (this) {
            case RAW -> PayloadCodec.RAW;
            case LOSSLESS -> new PayloadCodec.Lossless(elementBytes(kv));
            case Q8_0 -> quantised(kv);
        };
    }

    /** Of the numbers that KV consists of; 1 where they are quantised. */
    private static int elementBytes(KvShape kv) {
        return switch (kv.type()) {
            case "f16", "bf16" -> 2;
            case "f32" -> 4;
            default -> 1;
        };
    }

    private static PayloadCodec quantised(KvShape kv) {
        if (!kv.type().equals("f16") && !kv.type().equals("f32")) {
            throw new CacheException(
                    "The cache codec q8_0 rounds KV of type f16 or f32, and this model's is %s. Choose another kv-type, or the codec raw or lossless."
                            .formatted(kv.type()));
        }
        int group = GROUP * elementBytes(kv);
        for (KvShape.Layer layer : kv.layers()) {
            if (layer.keyBytes() % group != 0 || layer.valueBytes() % group != 0) {
                throw new CacheException(
                        "The cache codec q8_0 needs KV rows of a multiple of %d numbers, and this model has rows of %d and %d. Choose the codec raw or lossless."
                                .formatted(
                                        GROUP,
                                        layer.keyBytes() / elementBytes(kv),
                                        layer.valueBytes() / elementBytes(kv)));
            }
        }
        return new PayloadCodec.Q8(elementBytes(kv));
    }
}
