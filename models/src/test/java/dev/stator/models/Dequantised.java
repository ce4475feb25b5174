package dev.stator.models;

import java.nio.ByteBuffer;

/** What blocks of weights stand for, as ggml reads them. */
final class Dequantised {
    private Dequantised() {}

    static double[] values(GgmlType type, ByteBuffer buffer, long blocks) {
        double[] values = new double[(int) (blocks * type.blockElements)];
        for (int block = 0; block < blocks; block++) {
            int at = block * type.blockElements;
            switch (type) {
                case F32 -> values[at] = buffer.getFloat();
                case F16 -> values[at] = half(buffer);
                case Q4_0 -> {
                    double delta = half(buffer);
                    for (int i = 0; i < 16; i++) {
                        int pair = buffer.get() & 0xff;
                        values[at + i] = ((pair & 15) - 8) * delta;
                        values[at + 16 + i] = ((pair >> 4) - 8) * delta;
                    }
                }
                case Q8_0 -> {
                    double delta = half(buffer);
                    for (int i = 0; i < 32; i++) {
                        values[at + i] = buffer.get() * delta;
                    }
                }
                case Q6_K -> q6(buffer, values, at);
                default -> throw new IllegalArgumentException(type.name());
            }
        }
        return values;
    }

    private static void q6(ByteBuffer buffer, double[] values, int at) {
        byte[] low = new byte[128];
        byte[] high = new byte[64];
        byte[] scales = new byte[16];
        buffer.get(low).get(high).get(scales);
        double delta = half(buffer);
        for (int half = 0; half < 2; half++) {
            for (int i = 0; i < 32; i++) {
                int top = high[32 * half + i];
                int a = low[64 * half + i];
                int b = low[64 * half + 32 + i];
                int[] quants = {
                    (a & 15) | (top & 3) << 4,
                    (b & 15) | (top >> 2 & 3) << 4,
                    (a >> 4 & 15) | (top >> 4 & 3) << 4,
                    (b >> 4 & 15) | (top >> 6 & 3) << 4
                };
                for (int j = 0; j < 4; j++) {
                    int scale = scales[8 * half + 2 * j + i / 16];
                    values[at + 128 * half + 32 * j + i] = (quants[j] - 32) * scale * delta;
                }
            }
        }
    }

    private static double half(ByteBuffer buffer) {
        return Float.float16ToFloat(buffer.getShort());
    }
}
