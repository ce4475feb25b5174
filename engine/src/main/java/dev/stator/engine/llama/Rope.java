package dev.stator.engine.llama;

import java.util.Arrays;

/**
 * How a model turns its K rows: each head's first {@code 2 * angles} elements in pairs, pair j by
 * {@code angles[j]} radians for each position; the rest stays.
 *
 * <p>Turns add up, so K computed at one position becomes K of another by a turn of the difference.
 * A constant factor on K's length, as YaRN has, is in the rows already and no part of this.
 */
final class Rope {
    /** Which elements of a head make up a pair. */
    enum Pairing {
        /** Elements 2j and 2j + 1. */
        NEIGHBOURS,
        /** Elements j and j + n/2 of the n that are turned. */
        HALVES
    }

    private final int headLength;
    private final Pairing pairing;
    private final double[] angles;
    private final KvType type;

    /**
     * @param headLength elements of a K head
     * @param angles radians a position, one a pair
     * @param type of K's elements: {@link KvType#F16} or {@link KvType#F32}
     */
    Rope(int headLength, Pairing pairing, double[] angles, KvType type) {
        if (angles.length < 1 || 2 * angles.length > headLength || headLength % 2 != 0) {
            throw new IllegalArgumentException(
                    "%d pairs in a head of %d elements".formatted(angles.length, headLength));
        }
        if (type != KvType.F16 && type != KvType.F32) {
            throw new IllegalArgumentException("K of type " + type.label());
        }
        this.headLength = headLength;
        this.pairing = pairing;
        this.angles = angles.clone();
        this.type = type;
    }

    int headLength() {
        return headLength;
    }

    Pairing pairing() {
        return pairing;
    }

    KvType type() {
        return type;
    }

    /** How far apart the elements of a pair are. */
    int reach() {
        return pairing == Pairing.NEIGHBOURS ? 1 : angles.length;
    }

    /**
     * A copy that turns rows of whole heads by {@code positions}, which may be negative. Not
     * thread-safe: it keeps buffers between calls.
     */
    RowCopy by(int positions) {
        return positions == 0 ? RowCopy.PLAIN : new Rotation(this, positions);
    }

    /**
     * What the elements of consecutive heads become: {@code own[i]} times themselves plus {@code
     * partner[i]} times the other of their pair.
     */
    record Factors(float[] own, float[] partner) {}

    Factors factors(int positions, int elements) {
        var own = new float[elements];
        var partner = new float[elements];
        Arrays.fill(own, 0, headLength, 1);
        for (int j = 0; j < angles.length; j++) {
            int first = pairing == Pairing.NEIGHBOURS ? 2 * j : j;
            int second = first + reach();
            own[first] = (float) Math.cos(angles[j] * positions);
            own[second] = own[first];
            partner[second] = (float) Math.sin(angles[j] * positions);
            partner[first] = -partner[second];
        }
        for (int head = headLength; head < elements; head += headLength) {
            System.arraycopy(own, 0, own, head, headLength);
            System.arraycopy(partner, 0, partner, head, headLength);
        }
        return new Factors(own, partner);
    }

    /** Where the other of an element's pair is, of which there must be one. */
    int partnerOf(int element) {
        boolean first =
                pairing == Pairing.NEIGHBOURS
                        ? element % 2 == 0
                        : element % headLength < angles.length;
        return first ? element + reach() : element - reach();
    }
}
