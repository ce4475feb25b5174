package dev.stator.cache.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Numbers with their first bytes together, then their second ones, and so on; what is left over at
 * the end stays as it is. The shuffle of Blosc and HDF5.
 */
final class BytePlanes {
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private BytePlanes() {}

    static void split(byte[] numbers, byte[] planes, int size, int elementBytes) {
        int count = size / elementBytes;
        int next = elementBytes == 2 ? splitPairs(numbers, planes, count) : 0;
        for (int plane = 0; plane < elementBytes; plane++) {
            for (int i = next; i < count; i++) {
                planes[plane * count + i] = numbers[i * elementBytes + plane];
            }
        }
        int rest = count * elementBytes;
        System.arraycopy(numbers, rest, planes, rest, size - rest);
    }

    static void join(byte[] planes, byte[] numbers, int size, int elementBytes) {
        int count = size / elementBytes;
        int next = elementBytes == 2 ? joinPairs(planes, numbers, count) : 0;
        for (int plane = 0; plane < elementBytes; plane++) {
            for (int i = next; i < count; i++) {
                numbers[i * elementBytes + plane] = planes[plane * count + i];
            }
        }
        int rest = count * elementBytes;
        System.arraycopy(planes, rest, numbers, rest, size - rest);
    }

    /** Four pairs at a time; returns how many it has done. */
    private static int splitPairs(byte[] numbers, byte[] planes, int count) {
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            long four = (long) LONGS.get(numbers, 2 * i);
            INTS.set(planes, i, (int) evens(four));
            INTS.set(planes, count + i, (int) evens(four >>> 8));
        }
        return i;
    }

    private static int joinPairs(byte[] planes, byte[] numbers, int count) {
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            long first = Integer.toUnsignedLong((int) INTS.get(planes, i));
            long second = Integer.toUnsignedLong((int) INTS.get(planes, count + i));
            LONGS.set(numbers, 2 * i, spread(first) | spread(second) << 8);
        }
        return i;
    }

    /** Bytes 0, 2, 4 and 6 as four in a row. */
    private static long evens(long eight) {
        long bytes = eight & 0x00ff00ff00ff00ffL;
        bytes = (bytes | bytes >>> 8) & 0x0000ffff0000ffffL;
        return (bytes | bytes >>> 16) & 0xffffffffL;
    }

    /** The reverse. */
    private static long spread(long four) {
        long bytes = (four | four << 16) & 0x0000ffff0000ffffL;
        return (bytes | bytes << 8) & 0x00ff00ff00ff00ffL;
    }
}
