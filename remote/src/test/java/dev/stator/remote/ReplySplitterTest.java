package dev.stator.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ReplySplitterTest {
    private static final int TICKET_AT = "$24\r\n".length();
    private static final int TICKET_BYTES = 24;
    private static final int MOST = 3 * LargeValues.LEAST;

    private final LargeValues values = new LargeValues();

    /** What Lettuce would see, with values in their tickets' places. */
    private final class Reader extends ChannelInboundHandlerAdapter {
        final ByteArrayOutputStream seen = new ByteArrayOutputStream();
        int values;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            var in = (ByteBuf) message;
            byte[] bytes = new byte[in.readableBytes()];
            in.readBytes(bytes);
            assertThat(bytes).isNotEmpty();
            in.release();
            boolean likeTicket =
                    bytes.length == TICKET_AT + TICKET_BYTES + 2
                            && new String(bytes, 0, TICKET_AT, StandardCharsets.ISO_8859_1)
                                    .equals("$24\r\n");
            byte[] value =
                    likeTicket
                            ? ReplySplitterTest.this.values.decodeValue(
                                    ByteBuffer.wrap(bytes, TICKET_AT, TICKET_BYTES).slice())
                            : bytes;
            if (value.length >= LargeValues.LEAST && likeTicket) {
                values++;
                seen.writeBytes(string('$', value));
                ReplySplitterTest.this.values.release(value);
            } else {
                seen.writeBytes(bytes);
            }
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] string(char type, byte[] content) {
        var all = new ByteArrayOutputStream();
        all.writeBytes(ascii("%c%d\r\n".formatted(type, content.length)));
        all.writeBytes(content);
        all.writeBytes(ascii("\r\n"));
        return all.toByteArray();
    }

    private static byte[] noise(Random random, int bytes) {
        byte[] noise = new byte[bytes];
        random.nextBytes(noise);
        return noise;
    }

    private static byte[] line(Random random) {
        var lines =
                List.of("+OK", "-ERR no $9 such", ":17", "$-1", "_", "%2", "*3", ">2", "#t", "*-1");
        return ascii(lines.get(random.nextInt(lines.size())) + "\r\n");
    }

    private EmbeddedChannel channel(Reader reader, CommandType asking) {
        var channel = new EmbeddedChannel(new ReplySplitter(values), reader);
        channel.writeOutbound(
                List.of(new Command<>(asking, new StatusOutput<>(StringCodec.ASCII))));
        return channel;
    }

    private static void send(EmbeddedChannel channel, byte[] replies, Random random) {
        for (int at = 0; at < replies.length; ) {
            int bytes =
                    Math.min(
                            replies.length - at,
                            1 + random.nextInt(random.nextInt(4) == 0 ? 40_000 : 12));
            channel.writeInbound(Unpooled.copiedBuffer(replies, at, bytes));
            at += bytes;
        }
        channel.finishAndReleaseAll();
    }

    @Test
    void repliesGoOnAsTheyCameAndLargeValuesAsTicketsHoweverTheyAreCut() {
        values.expect(MOST);
        for (int seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            var replies = new ByteArrayOutputStream();
            int large = 0;
            for (int i = 0; i < 40; i++) {
                switch (random.nextInt(5)) {
                    case 0 -> {
                        int bytes =
                                LargeValues.LEAST + random.nextInt(MOST - LargeValues.LEAST + 1);
                        replies.writeBytes(string('$', noise(random, bytes)));
                        large++;
                    }
                    case 1 -> replies.writeBytes(string('$', noise(random, random.nextInt(60))));
                    case 2 ->
                            replies.writeBytes(string('=', noise(random, random.nextInt(50_000))));
                    case 3 -> replies.writeBytes(string('!', ascii("ERR\r\n$3\r\n")));
                    default -> replies.writeBytes(line(random));
                }
            }
            var reader = new Reader();
            send(channel(reader, CommandType.GETRANGE), replies.toByteArray(), random);

            assertThat(reader.seen.toByteArray()).isEqualTo(replies.toByteArray());
            assertThat(reader.values).isEqualTo(large);
        }
    }

    @Test
    void aStringThatIsLongerThanAnythingAskedForGoesOnAsItIs() {
        values.expect(LargeValues.LEAST);
        var random = new Random(1);
        byte[] replies = string('$', noise(random, LargeValues.LEAST + 1));
        var reader = new Reader();
        send(channel(reader, CommandType.GETRANGE), replies, random);

        assertThat(reader.seen.toByteArray()).isEqualTo(replies);
        assertThat(reader.values).isZero();
    }

    @Test
    void aConnectionThatAsksForNoValuesSeesNoTickets() {
        values.expect(MOST);
        var random = new Random(2);
        byte[] replies = string('$', noise(random, LargeValues.LEAST));
        var reader = new Reader();
        send(channel(reader, CommandType.CLUSTER), replies, random);

        assertThat(reader.seen.toByteArray()).isEqualTo(replies);
        assertThat(reader.values).isZero();
    }

    @Test
    void whatIsNoLengthGoesOnForLettuceToRefuse() {
        values.expect(MOST);
        for (var head : List.of("$\r\n", "$x1\r\n", "$99999999999999999999999999\r\n", "$5\n")) {
            var reader = new Reader();
            send(channel(reader, CommandType.GETRANGE), ascii(head), new Random(3));

            assertThat(reader.seen.toByteArray()).isEqualTo(ascii(head));
        }
    }

    @Test
    void aTicketIsGoodOnceAndOnlyWhileItIsHandedOn() {
        byte[] value = new byte[LargeValues.LEAST];
        long ticket = values.hand(value);
        var reply = values.reply(ticket, new EmbeddedChannel().alloc());
        var bytes = reply.nioBuffer(TICKET_AT, TICKET_BYTES);

        assertThat(values.decodeValue(bytes.duplicate())).isSameAs(value);
        assertThat(values.decodeValue(bytes.duplicate())).isEmpty();
        long another = values.hand(value);
        values.forget(another);
        var late = values.reply(another, new EmbeddedChannel().alloc());
        assertThat(values.decodeValue(late.nioBuffer(TICKET_AT, TICKET_BYTES))).isEmpty();
        reply.release();
        late.release();
    }
}
