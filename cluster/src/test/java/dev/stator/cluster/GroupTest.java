package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cluster.wire.Member;
import dev.stator.cluster.wire.Word;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jgroups.Address;
import org.jgroups.util.UUID;
import org.junit.jupiter.api.Test;

/** Real members on loopback. */
final class GroupTest {
    static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Optional<ClusterKey> key(int seed) {
        byte[] bytes = new byte[32];
        bytes[0] = (byte) seed;
        return Optional.of(ClusterKey.of(bytes));
    }

    private static Group join(
            String name, int port, List<Integer> seeds, Optional<ClusterKey> key) {
        var options =
                new ClusterOptions(
                        "test",
                        name,
                        "1",
                        "127.0.0.1",
                        port,
                        0,
                        0,
                        seeds.stream().map(seed -> "127.0.0.1:" + seed).toList(),
                        key);
        return Group.join(
                options,
                Member.newBuilder().setRole(Member.Role.ROLE_NODE).setName(name).build(),
                _ -> {});
    }

    private static List<String> names(Group group) {
        return group.members().stream().map(Member::getName).sorted().toList();
    }

    static void await(BooleanSupplier condition, Object state) throws InterruptedException {
        for (int i = 0; i < 6000 && !condition.getAsBoolean(); i++) {
            Thread.sleep(10);
        }
        assertThat(condition.getAsBoolean()).as("%s", state).isTrue();
    }

    @Test
    void membersOfOneKeyKnowEachOtherAndHearWhoLeaves() throws Exception {
        int port = freePort();
        try (var one = join("one", port, List.of(), key(1));
                var two = join("two", freePort(), List.of(port), key(1))) {
            var three = join("three", freePort(), List.of(port), key(1));
            await(() -> names(one).equals(List.of("three", "two")), one);
            await(() -> names(two).equals(List.of("one", "three")), two);
            await(() -> names(three).equals(List.of("one", "two")), three);

            three.close();

            await(() -> names(one).equals(List.of("two")), one);
            await(() -> names(two).equals(List.of("one")), two);
        }
    }

    @Test
    void whoHasAnotherKeyStaysOutside() throws Exception {
        int port = freePort();
        try (var one = join("one", port, List.of(), key(1));
                var stranger = join("stranger", freePort(), List.of(port), key(2));
                var two = join("two", freePort(), List.of(port), key(1))) {
            await(() -> names(one).equals(List.of("two")), one);
            await(() -> names(two).equals(List.of("one")), two);
            assertThat(names(stranger)).isEmpty();
        }
    }

    @Test
    void membersThatBeganApartFindEachOther() throws Exception {
        int first = freePort();
        int second = freePort();
        // Whom it names is not there yet.
        try (var two = join("two", second, List.of(first), Optional.empty());
                var one = join("one", first, List.of(), Optional.empty())) {
            await(() -> names(one).equals(List.of("two")), one);
            await(() -> names(two).equals(List.of("one")), two);
        }
    }

    @Test
    void aPortThatIsTakenIsNamed() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> join("one", taken.getLocalPort(), List.of(), Optional.empty()))
                    .isInstanceOf(ClusterException.class)
                    .hasMessageContaining("port " + taken.getLocalPort())
                    .hasMessageContaining("--cluster-port");
        }
    }

    /** Members tell a newcomer who they are before it has seen them, as JGroups does it. */
    private record Hasty(Address self, Address other, Member member) implements Group.Channel {
        @Override
        public void connect(Group group) {
            var word = Word.newBuilder().setMember(member).build();
            group.received(other, word.toByteString().asReadOnlyByteBuffer());
            group.seen(List.of(other, self));
        }

        @Override
        public void send(Address to, byte[] word) {}

        @Override
        public void close() {}
    }

    @Test
    void whoSpeaksBeforeHeIsSeenIsKnownOnceHeIs() {
        var member = Member.newBuilder().setName("one").build();
        var channel = new Hasty(UUID.randomUUID(), UUID.randomUUID(), member);
        var heard = new ArrayList<List<Member>>();

        try (var group =
                Group.join(
                        channel,
                        Clock.system(),
                        Member.getDefaultInstance(),
                        List.of(),
                        heard::add)) {
            assertThat(group.members()).containsExactly(member);
            assertThat(heard).containsExactly(List.of(member));

            group.seen(List.of(channel.self()));
            assertThat(group.members()).isEmpty();
        }
    }
}
