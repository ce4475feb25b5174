package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages over a data connection, plain and sealed. */
final class BlockPipeTest {
    private static final byte[] SECRET = new byte[32];

    /** Two ends of one connection. */
    private record Ends(SocketChannel from, SocketChannel to) implements AutoCloseable {
        static Ends connected() throws IOException {
            try (var listening = ServerSocketChannel.open()) {
                listening.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                var from = SocketChannel.open(listening.getLocalAddress());
                return new Ends(from, listening.accept());
            }
        }

        @Override
        public void close() throws IOException {
            from.close();
            to.close();
        }
    }

    private static BlockPipe pipe(SocketChannel channel, boolean sealed, boolean borrower) {
        return BlockPipe.over(channel, sealed ? Optional.of(SECRET) : Optional.empty(), borrower);
    }

    private static List<byte[]> messages(long seed) {
        var random = new Random(seed);
        var messages = new ArrayList<byte[]>();
        for (int i = 0; i < 60; i++) {
            byte[] message = new byte[1 + random.nextInt(1 << random.nextInt(20))];
            random.nextBytes(message);
            messages.add(message);
        }
        return messages;
    }

    /** What a lender puts on the wire for a message. */
    private static byte[] onTheWire(boolean sealed, byte[]... messages) throws Exception {
        try (var ends = Ends.connected()) {
            var pipe = pipe(ends.from, sealed, false);
            var written = new CompletableFuture<byte[]>();
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    written.complete(
                                            ends.to.socket().getInputStream().readAllBytes());
                                } catch (IOException e) {
                                    written.completeExceptionally(e);
                                }
                            });
            for (byte[] message : messages) {
                pipe.write(MemorySegment.ofArray(message));
            }
            pipe.flush();
            pipe.close();
            return written.get(60, TimeUnit.SECONDS);
        }
    }

    /** What a borrower reads of that. */
    private static byte[] read(boolean sealed, byte[] wire, int bytes) throws Exception {
        try (var ends = Ends.connected()) {
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try (var from = ends.from) {
                                    from.write(ByteBuffer.wrap(wire));
                                } catch (IOException e) {
                                    // The other end has heard enough.
                                }
                            });
            byte[] message = new byte[bytes];
            pipe(ends.to, sealed, true).read(MemorySegment.ofArray(message));
            return message;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void messagesOfAllLengthsComeAsTheyWereWritten(boolean sealed) throws Exception {
        for (long seed = 1; seed <= 5; seed++) {
            var messages = messages(seed);
            try (var ends = Ends.connected()) {
                var writing =
                        Thread.ofVirtual()
                                .start(
                                        () -> {
                                            try {
                                                var pipe = pipe(ends.from, sealed, true);
                                                for (byte[] message : messages) {
                                                    pipe.write(MemorySegment.ofArray(message));
                                                }
                                                pipe.flush();
                                            } catch (IOException e) {
                                                // The reader misses it.
                                            }
                                        });
                var pipe = pipe(ends.to, sealed, false);
                for (byte[] message : messages) {
                    byte[] came = new byte[message.length];
                    pipe.read(MemorySegment.ofArray(came));
                    assertThat(came).as("seed %d", seed).isEqualTo(message);
                }
                writing.join();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anAlteredByteIsNoticedWhereverItIs(boolean sealed) throws Exception {
        byte[] message = messages(9).getFirst();
        byte[] wire = onTheWire(sealed, message);
        var random = new Random(3);
        for (int i = 0; i < 50; i++) {
            byte[] altered = wire.clone();
            altered[random.nextInt(wire.length)] ^= (byte) (1 << random.nextInt(8));
            assertThatThrownBy(() -> read(sealed, altered, message.length))
                    .isInstanceOf(DamagedException.class);
        }
        assertThat(read(sealed, wire, message.length)).isEqualTo(message);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMessageThatBreaksOffIsNoMessage(boolean sealed) throws Exception {
        byte[] wire = onTheWire(sealed, new byte[1000]);
        byte[] part = Arrays.copyOf(wire, wire.length - 1);
        assertThatThrownBy(() -> read(sealed, part, 1000)).isInstanceOf(EOFException.class);
    }

    @Test
    void aSealedRecordIsGoodOnlyInItsPlace() throws Exception {
        byte[] both = onTheWire(true, new byte[100], new byte[100]);
        byte[] second = Arrays.copyOfRange(both, both.length / 2, both.length);
        assertThatThrownBy(() -> read(true, second, 100)).isInstanceOf(DamagedException.class);
    }

    @Test
    void whatTheLenderSealedIsNotTheBorrowersWord() throws Exception {
        byte[] wire = onTheWire(true, new byte[100]);
        try (var ends = Ends.connected()) {
            ends.from.write(ByteBuffer.wrap(wire));
            var lender = pipe(ends.to, true, false);
            assertThatThrownBy(() -> lender.read(MemorySegment.ofArray(new byte[100])))
                    .isInstanceOf(DamagedException.class);
        }
    }

    @Test
    void sealedBytesAreNotThePlainOnes() throws Exception {
        assertThat(onTheWire(true, new byte[4096])).isNotEqualTo(onTheWire(false, new byte[4096]));
        assertThat(Arrays.copyOf(onTheWire(true, new byte[4096]), 4096))
                .isNotEqualTo(new byte[4096]);
    }
}
