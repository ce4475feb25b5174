package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import dev.stator.cluster.wire.Inventory;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Keys as bytes of messages. */
final class PackedKeysTest {
    private static final long[] KEYS = {1, -1, Long.MIN_VALUE, 0x0123_4567_89AB_CDEFL};

    @Test
    void keysInSeveralPartsComeBackInOrder() {
        var parts = List.of(PackedKeys.of(KEYS, 0, 3), ByteString.EMPTY, PackedKeys.of(KEYS, 3, 4));

        assertThat(PackedKeys.keys(parts)).isEqualTo(KEYS);
    }

    @Test
    void onTheWireTheyArePackedNumbers() throws IOException {
        byte[] bytes =
                Inventory.newBuilder().setKeys(PackedKeys.of(KEYS, 0, 4)).build().toByteArray();
        var in = CodedInputStream.newInstance(bytes);
        in.readTag();

        assertThat(in.readRawVarint32()).isEqualTo(4 * Long.BYTES);
        for (long key : KEYS) {
            assertThat(in.readFixed64()).isEqualTo(key);
        }
    }

    @Test
    void partOfAKeyIsRefused() {
        var part = PackedKeys.of(KEYS, 0, 2).substring(0, 15);

        assertThatThrownBy(() -> PackedKeys.keys(List.of(part)))
                .hasMessage("15 bytes are not whole keys of 8");
    }
}
