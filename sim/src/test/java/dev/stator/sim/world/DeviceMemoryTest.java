package dev.stator.sim.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.BlockKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
    private final List<BlockKey> evicted = new ArrayList<>();
    private final DeviceMemory memory = new DeviceMemory(45, 10, evicted::add);

    @Test
    void whatNobodyUsesMakesRoom() {
        memory.reserve(25);
        assertThat(memory.complete(key(1), Optional.empty())).isTrue();
        assertThat(memory.complete(key(2), Optional.of(key(1)))).isTrue();
        assertThat(memory.free()).isEqualTo(20);
        memory.unlease(key(1));
        memory.unlease(key(2));
        memory.unreserve(5);
        assertThat(memory.free()).isEqualTo(45);
        assertThat(memory.holds(key(2))).isTrue();

        memory.reserve(30);
        memory.checkIntegrity();
        assertThat(evicted).containsExactly(key(2));
        assertThat(memory.free()).isEqualTo(15);
    }

    @Test
    void whatSomebodyUsesStays() {
        memory.reserve(10);
        memory.complete(key(1), Optional.empty());
        assertThat(memory.free()).isEqualTo(35);
        memory.reserve(35);
        assertThatThrownBy(() -> memory.reserve(1)).isInstanceOf(IllegalStateException.class);
        assertThat(memory.holds(key(1))).isTrue();
    }

    @Test
    void aBlockThatTwoComputeIsKeptOnce() {
        memory.reserve(20);
        assertThat(memory.complete(key(1), Optional.empty())).isTrue();
        assertThat(memory.complete(key(1), Optional.empty())).isFalse();
        assertThat(memory.free()).isEqualTo(35);
        memory.unlease(key(1));
        assertThat(memory.free()).isEqualTo(35);
        memory.unlease(key(1));
        assertThat(memory.free()).isEqualTo(45);
        memory.checkIntegrity();
    }

    private static BlockKey key(long number) {
        return new BlockKey(number, 0);
    }
}
