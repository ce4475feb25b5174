package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class ByteSizeTest {
    @Test
    void readsWhatPeopleWrite() {
        assertThat(ByteSize.parse("0")).isZero();
        assertThat(ByteSize.parse("17")).isEqualTo(17);
        assertThat(ByteSize.parse("17B")).isEqualTo(17);
        assertThat(ByteSize.parse("2GiB")).isEqualTo(2L << 30);
        assertThat(ByteSize.parse("2 gib")).isEqualTo(2L << 30);
        assertThat(ByteSize.parse("1.5MiB")).isEqualTo(3 << 19);
        assertThat(ByteSize.parse("2GB")).isEqualTo(2_000_000_000L);
        assertThat(ByteSize.parse("2G")).isEqualTo(2_000_000_000L);
    }

    @Test
    void refusesWhatIsNoSize() {
        for (var text :
                new String[] {"", "x", "-1", "1.2.3MiB", "3QB", "1e3", "MiB", "99999999TiB"}) {
            assertThatThrownBy(() -> ByteSize.parse(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void whatIsShownReadsBackWithinItsPrecision() {
        var random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            long bytes = random.nextLong(1L << random.nextInt(1, 50));
            assertThat(ByteSize.parse(ByteSize.format(bytes)) / (double) Math.max(1, bytes))
                    .as(ByteSize.format(bytes))
                    .isBetween(bytes == 0 ? 0 : 0.95, 1.05);
        }
    }

    @Test
    void unitsChangeBeforeTheNumberHasFourDigits() {
        assertThat(ByteSize.format(1023)).isEqualTo("1023B");
        assertThat(ByteSize.format(1024)).isEqualTo("1KiB");
        assertThat(ByteSize.format((1L << 20) - 1)).isEqualTo("1.0MiB");
        assertThat(ByteSize.format(3L << 29)).isEqualTo("1.5GiB");
    }
}
