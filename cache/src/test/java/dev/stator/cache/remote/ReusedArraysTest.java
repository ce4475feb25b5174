package dev.stator.cache.remote;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ReusedArraysTest {
    @Test
    void anArrayThatWasGivenBackIsUsedAgainForItsSizeOnly() {
        var arrays = new ReusedArrays(100);
        byte[] ten = arrays.take(10);
        arrays.giveBack(ten);

        assertThat(arrays.take(11)).hasSize(11);
        assertThat(arrays.take(10)).isSameAs(ten);
        assertThat(arrays.take(10)).isNotSameAs(ten);
    }

    @Test
    void noArrayIsInUseTwiceAndNoMoreAreKeptThanMayBe() {
        var random = new Random(1);
        var arrays = new ReusedArrays(1000);
        var used = new ArrayList<byte[]>();
        Set<byte[]> inUse = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int i = 0; i < 20_000; i++) {
            if (random.nextBoolean()) {
                byte[] array = arrays.take(1 + random.nextInt(8) * 50);
                assertThat(inUse.add(array)).isTrue();
                used.add(array);
            } else if (!used.isEmpty()) {
                byte[] array = used.remove(random.nextInt(used.size()));
                inUse.remove(array);
                arrays.giveBack(array);
            }
            assertThat(arrays.idleBytes()).isBetween(0L, 1000L);
        }
    }
}
