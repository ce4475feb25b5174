package dev.stator.cluster;

import com.google.protobuf.ByteString;
import dev.stator.cluster.wire.LendCall;
import dev.stator.cluster.wire.NodeGrpc;
import dev.stator.cluster.wire.Source;
import dev.stator.cluster.wire.Ticket;
import dev.stator.serving.BlockExchange;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.util.Optional;

/** A peer that takes one connection, hears what is asked for there, and sends what a test says. */
final class ScriptedLender implements AutoCloseable {
    /** What it sends when it is asked for the blocks of a request. */
    interface Script {
        void send(BlockPipe pipe, BlockExchange.Wanted wanted) throws IOException;
    }

    private final byte[] secret = new byte[32];
    private final ServerSocketChannel listening;
    private final Server calls;

    /**
     * @param wanted all of which will be asked for
     */
    ScriptedLender(boolean sealed, BlockExchange.Wanted wanted, Script script) throws IOException {
        listening = ServerSocketChannel.open();
        listening.bind(new InetSocketAddress("127.0.0.1", 0));
        var ticket =
                Ticket.newBuilder()
                        .setPort(((InetSocketAddress) listening.getLocalAddress()).getPort())
                        .setId(ByteString.copyFrom(new byte[16]));
        if (sealed) {
            ticket.setSecret(ByteString.copyFrom(secret));
        }
        calls =
                NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                        .addService(
                                new NodeGrpc.NodeImplBase() {
                                    @Override
                                    public void lend(LendCall call, StreamObserver<Ticket> answer) {
                                        answer.onNext(ticket.build());
                                        answer.onCompleted();
                                    }
                                })
                        .build()
                        .start();
        Thread.ofVirtual().start(() -> serve(sealed, wanted, script));
    }

    private void serve(boolean sealed, BlockExchange.Wanted wanted, Script script) {
        try (var channel = listening.accept()) {
            var pipe =
                    BlockPipe.over(channel, sealed ? Optional.of(secret) : Optional.empty(), false);
            channel.read(ByteBuffer.allocate(16));
            var count = ByteBuffer.allocate(Integer.BYTES);
            pipe.read(MemorySegment.ofBuffer(count));
            if (count.getInt(0) != wanted.keys().size()) {
                // It will wait, and says how long.
                pipe.read(MemorySegment.ofArray(new byte[Integer.BYTES]));
            }
            pipe.read(MemorySegment.ofArray(new byte[16 * wanted.keys().size()]));
            script.send(pipe, wanted);
            pipe.flush();
        } catch (IOException e) {
            // It was found out.
        }
    }

    /** The first blocks of a prompt. */
    Source source(int toBlock) {
        return Source.newBuilder()
                .setToBlock(toBlock)
                .setNode("peer")
                .setHost("127.0.0.1")
                .setPort(calls.getPort())
                .build();
    }

    @Override
    public void close() throws IOException {
        calls.shutdownNow();
        listening.close();
    }
}
