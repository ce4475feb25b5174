package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ClusterOptionsTest {
    private static ClusterOptions options(String host, List<String> join, boolean key) {
        return new ClusterOptions(
                "stator",
                "n1",
                "1",
                host,
                0,
                0,
                0,
                join,
                key ? Optional.of(ClusterKey.of(new byte[32])) : Optional.empty());
    }

    @Test
    void anAddressThatOthersReachNeedsAKey() {
        assertThatThrownBy(() -> options("192.0.2.7", List.of(), false))
                .hasMessageContaining("192.0.2.7")
                .hasMessageContaining("cluster-key-file");
        assertThat(options("192.0.2.7", List.of(), true).host()).isEqualTo("192.0.2.7");
        assertThat(options("127.0.0.1", List.of(), false).key()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"host", "host:", ":7800", "host:0", "host:65536", "host:x", "dns:"})
    void whatIsNoMemberToJoinIsRefused(String seed) {
        assertThatThrownBy(() -> options("127.0.0.1", List.of(seed), false))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void membersAreNamedByAddressOrByOneNameOfDns() {
        assertThat(options("127.0.0.1", List.of("a:1", "[::1]:65535"), false).join()).hasSize(2);
        assertThat(options("127.0.0.1", List.of("dns:stator.svc"), false).join()).hasSize(1);
        assertThatThrownBy(() -> options("127.0.0.1", List.of("dns:stator.svc", "a:1"), false))
                .hasMessageContaining("either");
    }

    @Test
    void aKeyIsOfTheFilesBytes(@TempDir Path folder) throws Exception {
        var file = folder.resolve("key");
        assertThatThrownBy(() -> ClusterKey.read(file))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("head -c 32");
        Files.write(file, new byte[31]);
        assertThatThrownBy(() -> ClusterKey.read(file)).hasMessageContaining("31 bytes");
        Files.write(file, new byte[32]);
        var key = ClusterKey.read(file);
        byte[] other = new byte[32];
        other[31] = 1;

        var identity = key.identity();
        var same = ClusterKey.of(new byte[32]).identity();
        assertThat(identity.certificate()).isEqualTo(same.certificate());
        assertThat(identity.key()).isEqualTo(same.key());
        identity.certificate().verify(same.certificate().getPublicKey());
        identity.certificate().checkValidity();
        assertThat(ClusterKey.of(other).identity().certificate())
                .isNotEqualTo(identity.certificate());
    }
}
