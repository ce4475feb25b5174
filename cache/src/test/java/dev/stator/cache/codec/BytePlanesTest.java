package dev.stator.cache.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class BytePlanesTest {
    @Test
    void bytePlanesComeTogetherAgain() {
        var random = new Random(5);
        for (int i = 0; i < 2000; i++) {
            int size = random.nextInt(200);
            int width = 1 + random.nextInt(8);
            byte[] numbers = new byte[size];
            random.nextBytes(numbers);
            byte[] planes = new byte[size];
            byte[] joined = new byte[size];
            BytePlanes.split(numbers, planes, size, width);
            BytePlanes.join(planes, joined, size, width);
            assertThat(joined).isEqualTo(numbers);
            int count = size / width;
            for (int n = 0; n < count; n++) {
                assertThat(planes[(width - 1) * count + n])
                        .isEqualTo(numbers[n * width + width - 1]);
            }
        }
    }
}
