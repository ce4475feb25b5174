package dev.stator.engine.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.stator.engine.llama.Rope.Pairing;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rotation against the formula, element by element. */
final class RopeTest {
    private static final int HEAD = 16;
    private static final int HEADS = 3;
    private static final int ROWS = 5;
    private static final int ELEMENTS = HEAD * HEADS;

    private final Random random = new Random(5);

    @ParameterizedTest
    @CsvSource({
        "NEIGHBOURS, 16, 7", "NEIGHBOURS, 16, -7", "NEIGHBOURS, 10, 1234", "NEIGHBOURS, 2, 1",
        "HALVES, 16, 7", "HALVES, 16, -7", "HALVES, 10, 1234", "HALVES, 2, 1"
    })
    void turnsPairsAndLeavesTheRest(Pairing pairing, int rotated, int positions) {
        var angles = angles(rotated);
        for (var type : new KvType[] {KvType.F16, KvType.F32}) {
            var rope = new Rope(HEAD, pairing, angles, type);
            float[][] rows = rows(type);
            float[][] actual = copied(rope.by(positions), rows, type);
            for (int row = 0; row < ROWS; row++) {
                double[] expected = reference(rows[row], pairing, angles, positions);
                for (int i = 0; i < ELEMENTS; i++) {
                    assertThat((double) actual[row][i])
                            .isCloseTo(expected[i], within(type == KvType.F16 ? 2e-3 : 1e-6));
                }
            }
        }
    }

    @Test
    void elementsThatAreNotRotatedStayBitForBit() {
        var rope = new Rope(HEAD, Pairing.HALVES, angles(10), KvType.F16);
        float[][] rows = rows(KvType.F16);
        float[][] actual = copied(rope.by(99), rows, KvType.F16);
        for (int row = 0; row < ROWS; row++) {
            for (int head = 0; head < ELEMENTS; head += HEAD) {
                int end = head + HEAD;
                assertThat(Arrays.copyOfRange(actual[row], head + 10, end))
                        .isEqualTo(Arrays.copyOfRange(rows[row], head + 10, end));
            }
        }
    }

    @Test
    void shorterRowsAfterLongerOnesTakeNothingFromThem() {
        var rope = new Rope(HEAD, Pairing.HALVES, angles(HEAD), KvType.F32);
        float[][] rows = rows(KvType.F32);
        var once = rope.by(3);
        copied(once, rows, KvType.F32);
        float[][] heads = {Arrays.copyOf(rows[0], HEAD), Arrays.copyOf(rows[1], HEAD)};
        float[][] expected = copied(rope.by(3), heads, KvType.F32);
        assertThat(copied(once, heads, KvType.F32)).isDeepEqualTo(expected);
    }

    @Test
    void noPositionsIsAPlainCopy() {
        var rope = new Rope(HEAD, Pairing.NEIGHBOURS, angles(HEAD), KvType.F16);
        assertThat(rope.by(0)).isSameAs(RowCopy.PLAIN);
    }

    @Test
    void refusesWhatItCannotTurn() {
        assertThatThrownBy(() -> new Rope(8, Pairing.HALVES, angles(10), KvType.F16))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Rope(16, Pairing.HALVES, angles(10), KvType.BF16))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** Uneven, as frequency factors make them. */
    private double[] angles(int rotated) {
        var angles = new double[rotated / 2];
        Arrays.setAll(
                angles, j -> Math.pow(10_000, -2.0 * j / rotated) / (1 + 31 * random.nextDouble()));
        return angles;
    }

    private float[][] rows(KvType type) {
        var rows = new float[ROWS][ELEMENTS];
        for (var row : rows) {
            for (int i = 0; i < ELEMENTS; i++) {
                float x = (float) random.nextGaussian();
                row[i] = type == KvType.F16 ? Float.float16ToFloat(Float.floatToFloat16(x)) : x;
            }
        }
        return rows;
    }

    private static double[] reference(
            float[] row, Pairing pairing, double[] angles, int positions) {
        var turned = new double[row.length];
        Arrays.setAll(turned, i -> row[i]);
        for (int head = 0; head < row.length; head += HEAD) {
            for (int j = 0; j < angles.length; j++) {
                int a = head + (pairing == Pairing.NEIGHBOURS ? 2 * j : j);
                int b = pairing == Pairing.NEIGHBOURS ? a + 1 : a + angles.length;
                double angle = angles[j] * positions;
                turned[a] = row[a] * Math.cos(angle) - row[b] * Math.sin(angle);
                turned[b] = row[a] * Math.sin(angle) + row[b] * Math.cos(angle);
            }
        }
        return turned;
    }

    /** Copied between odd addresses, as a state has them. */
    private static float[][] copied(RowCopy copy, float[][] rows, KvType type) {
        int rowBytes = rows[0].length * type.bytes();
        try (var arena = Arena.ofConfined()) {
            var source = arena.allocate(3 + (long) rows.length * rowBytes);
            var target = arena.allocate(5 + (long) rows.length * rowBytes);
            for (int row = 0; row < rows.length; row++) {
                for (int i = 0; i < rows[0].length; i++) {
                    put(source, 3 + (long) row * rowBytes + i * type.bytes(), rows[row][i], type);
                }
            }
            copy.copy(source, 3, target, 5, rows.length, rowBytes);
            var copied = new float[rows.length][rows[0].length];
            for (int row = 0; row < rows.length; row++) {
                for (int i = 0; i < rows[0].length; i++) {
                    copied[row][i] =
                            type.element(target, 5 + (long) row * rowBytes + i * type.bytes());
                }
            }
            return copied;
        }
    }

    private static void put(MemorySegment segment, long at, float value, KvType type) {
        if (type == KvType.F16) {
            segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(value));
        } else {
            segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
        }
    }
}
