package dev.stator.cluster;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/** Token ids as the lists that messages have. */
final class Ints {
    private Ints() {}

    /** A view: nothing is copied. */
    static List<Integer> boxed(int[] values) {
        return new Boxed(values);
    }

    static int[] unboxed(List<Integer> values) {
        int[] array = new int[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }

    private static final class Boxed extends AbstractList<Integer> implements RandomAccess {
        private final int[] values;

        Boxed(int[] values) {
            this.values = values;
        }

        @Override
        public Integer get(int index) {
            return values[index];
        }

        @Override
        public int size() {
            return values.length;
        }
    }
}
