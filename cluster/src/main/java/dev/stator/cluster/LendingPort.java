package dev.stator.cluster;

import com.google.protobuf.ByteString;
import dev.stator.cluster.wire.Ticket;
import dev.stator.serving.BlockExchange;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where peers connect to for blocks. Whoever connects shows a ticket, which members get by a call
 * to the node; each is for one connection. Where the cluster has a key, the ticket comes with the
 * secret that the connection is sealed with, so without it nothing can be asked for or read.
 */
final class LendingPort implements AutoCloseable {
    /** A borrower may keep a connection that it does not use for so long. */
    static final Duration IDLE = Duration.ofMinutes(5);

    private static final Logger LOG = LoggerFactory.getLogger(LendingPort.class);
    private static final int TICKET_BYTES = 16;
    private static final int SECRET_BYTES = 32;
    private static final Duration TICKET_LIFE = Duration.ofSeconds(10);
    private static final int MOST_TICKETS = 4096;
    private static final int MOST_CONNECTIONS = 256;

    /**
     * @param until by {@link System#nanoTime}
     */
    private record Issued(Optional<byte[]> secret, long until) {}

    private final ServerSocketChannel listening;
    private final BlockExchange exchange;
    private final boolean sealed;
    private final SecureRandom random = new SecureRandom();
    private final Map<ByteBuffer, Issued> tickets = new ConcurrentHashMap<>();
    private final Semaphore room = new Semaphore(MOST_CONNECTIONS);
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

    private LendingPort(ServerSocketChannel listening, BlockExchange exchange, boolean sealed) {
        this.listening = listening;
        this.exchange = exchange;
        this.sealed = sealed;
    }

    /**
     * @throws ClusterException if the port cannot be had
     */
    static LendingPort open(ClusterOptions options, BlockExchange exchange) {
        try {
            var listening = ServerSocketChannel.open();
            try {
                listening.setOption(StandardSocketOptions.SO_REUSEADDR, true);
                listening.bind(new InetSocketAddress(options.host(), options.blockPort()));
            } catch (IOException e) {
                listening.close();
                throw e;
            }
            var port = new LendingPort(listening, exchange, options.key().isPresent());
            Thread.ofVirtual().name("lending-port").start(port::accept);
            return port;
        } catch (IOException e) {
            throw new ClusterException(
                    "the node cannot lend blocks at %s port %d (%s): choose another --block-port, or 0 for a free one"
                            .formatted(options.host(), options.blockPort(), e.getMessage()),
                    e);
        }
    }

    /** For one connection, soon. */
    Ticket ticket() throws IOException {
        long now = System.nanoTime();
        tickets.values().removeIf(issued -> issued.until - now < 0);
        if (tickets.size() >= MOST_TICKETS) {
            throw new IOException("too many tickets are out");
        }
        byte[] id = random(TICKET_BYTES);
        Optional<byte[]> secret = sealed ? Optional.of(random(SECRET_BYTES)) : Optional.empty();
        tickets.put(ByteBuffer.wrap(id), new Issued(secret, now + TICKET_LIFE.toNanos()));
        var ticket =
                Ticket.newBuilder()
                        .setPort(((InetSocketAddress) listening.getLocalAddress()).getPort())
                        .setId(ByteString.copyFrom(id));
        secret.ifPresent(its -> ticket.setSecret(ByteString.copyFrom(its)));
        return ticket.build();
    }

    private byte[] random(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private void accept() {
        try {
            while (true) {
                var channel = listening.accept();
                if (room.tryAcquire()) {
                    serve(channel);
                } else {
                    LOG.warn("a peer is turned away: {} are connected", MOST_CONNECTIONS);
                    channel.close();
                }
            }
        } catch (IOException e) {
            if (listening.isOpen()) {
                LOG.error("The node lends no more blocks", e);
            }
        }
    }

    private void serve(SocketChannel channel) {
        connections.add(channel);
        // It waits in the kernel for each piece; a virtual one would go through the poller for it.
        Thread.ofPlatform()
                .daemon()
                .name("lending")
                .start(
                        () -> {
                            try (channel) {
                                lend(channel);
                            } catch (IOException e) {
                                LOG.debug("a peer borrows no more: {}", e.toString());
                            } finally {
                                connections.remove(channel);
                                room.release();
                            }
                        });
    }

    private void lend(SocketChannel channel) throws IOException {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        var shown = ByteBuffer.allocate(TICKET_BYTES);
        try (var _ = Deadline.of(channel, TICKET_LIFE)) {
            while (shown.hasRemaining()) {
                if (channel.read(shown) < 0) {
                    return;
                }
            }
        }
        var issued = Optional.ofNullable(tickets.remove(shown.flip()));
        if (issued.filter(its -> its.until - System.nanoTime() > 0).isEmpty()) {
            LOG.warn("somebody without a ticket asks for blocks and gets none");
            return;
        }
        new Lending(exchange, BlockPipe.over(channel, issued.get().secret, false)).serve();
    }

    @Override
    public void close() {
        try {
            listening.close();
            for (var channel : connections) {
                channel.close();
            }
        } catch (IOException e) {
            LOG.debug("the port for blocks was not closed well", e);
        }
    }
}
