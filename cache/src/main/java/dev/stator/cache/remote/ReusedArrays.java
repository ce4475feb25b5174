package dev.stator.cache.remote;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/**
 * Arrays that are used again, as to make, zero and collect one for each block costs more than to
 * encrypt it. Nobody may look at an array that he has given back. Thread-safe.
 */
public final class ReusedArrays {
    private final long mostBytes;
    private final Deque<byte[]> idle = new ArrayDeque<>();
    private long bytes;

    /**
     * @param mostBytes of arrays that nobody uses just now
     */
    public ReusedArrays(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /** An array of this size, whatever it holds. */
    public byte[] take(int size) {
        synchronized (this) {
            for (Iterator<byte[]> all = idle.iterator(); all.hasNext(); ) {
                byte[] array = all.next();
                if (array.length == size) {
                    all.remove();
                    bytes -= size;
                    return array;
                }
            }
        }
        return new byte[size];
    }

    synchronized long idleBytes() {
        return bytes;
    }

    /** The ones that were used last are kept: sizes may change. */
    public synchronized void giveBack(byte[] array) {
        idle.addFirst(array);
        bytes += array.length;
        while (bytes > mostBytes) {
            bytes -= idle.removeLast().length;
        }
    }
}
