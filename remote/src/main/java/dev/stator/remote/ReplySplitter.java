package dev.stator.remote;

import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.RedisCommand;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/**
 * Stands before Lettuce's own handler on a connection. Large values are copied from the socket's
 * buffers to where they stay, and a ticket goes on in their place (see {@link LargeValues});
 * everything else goes on as it came. Of the protocol it needs to know only what is a line and what
 * a counted string.
 */
final class ReplySplitter extends ChannelDuplexHandler {
    /** A type, any length, the line's end; what is longer is none. */
    private static final int LONGEST_HEAD = 24;

    private static final int LINE_END_BYTES = 2;

    private enum State {
        TYPE,
        LINE,
        /** In the line that says how long a string is; it goes on, or not, when it is complete. */
        HEAD,
        STRING,
        VALUE,
        VALUE_END
    }

    private final LargeValues values;
    private final StringBuilder head = new StringBuilder();
    private State state = State.TYPE;

    /** Where the head begins in this buffer, and how much of it was in earlier ones. */
    private int headAt;

    private int headBefore;

    /** Up to here this buffer has gone on, or was taken. */
    private int settled;

    private long left;
    private byte[] value = {};
    private boolean asks;

    ReplySplitter(LargeValues values) {
        this.values = values;
    }

    /**
     * Other connections of the client, to sentinels or for a cluster's shape, have other codecs,
     * which know no tickets; they ask for no values.
     */
    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        asks = asks || asksForValue(message);
        context.write(message, promise);
    }

    private static boolean asksForValue(Object message) {
        return switch (message) {
            case RedisCommand<?, ?, ?> command -> command.getType() == CommandType.GETRANGE;
            case Collection<?> several -> several.stream().anyMatch(ReplySplitter::asksForValue);
            default -> false;
        };
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof ByteBuf in)) {
            context.fireChannelRead(message);
            return;
        }
        try {
            settled = in.readerIndex();
            headAt = settled;
            while (in.isReadable()) {
                advance(context, in);
            }
            boolean inHead = state == State.HEAD;
            passOn(context, in, inHead ? headAt : in.readerIndex());
            headBefore = inHead ? head.length() : 0;
        } finally {
            in.release();
        }
    }

    private void advance(ChannelHandlerContext context, ByteBuf in) {
        switch (state) {
            case TYPE -> begin(in);
            case LINE -> {
                int end = in.indexOf(in.readerIndex(), in.writerIndex(), (byte) '\n');
                in.readerIndex(end < 0 ? in.writerIndex() : end + 1);
                state = end < 0 ? State.LINE : State.TYPE;
            }
            case HEAD -> {
                char next = (char) in.readByte();
                head.append(next);
                if (next == '\n' || head.length() > LONGEST_HEAD) {
                    decide(context, in);
                }
            }
            case STRING -> {
                in.skipBytes(take(in));
                state = left == 0 ? State.TYPE : State.STRING;
            }
            case VALUE -> {
                int at = (int) (value.length - left);
                in.readBytes(value, at, take(in));
                settled = in.readerIndex();
                if (left == 0) {
                    state = State.VALUE_END;
                    left = LINE_END_BYTES;
                }
            }
            case VALUE_END -> {
                in.skipBytes(take(in));
                settled = in.readerIndex();
                if (left == 0) {
                    state = State.TYPE;
                    handOver(context);
                }
            }
        }
    }

    private void begin(ByteBuf in) {
        headAt = in.readerIndex();
        char type = (char) in.readByte();
        boolean counted = type == '$' || type == '=' || type == '!';
        state = counted ? State.HEAD : State.LINE;
        head.setLength(0);
        head.append(type);
    }

    /** How much of what is left stands in this buffer. */
    private int take(ByteBuf in) {
        int bytes = (int) Math.min(left, in.readableBytes());
        left -= bytes;
        return bytes;
    }

    private void decide(ChannelHandlerContext context, ByteBuf in) {
        long length = length();
        if (asks
                && head.charAt(0) == '$'
                && length <= Integer.MAX_VALUE
                && values.takes((int) length)) {
            passOn(context, in, headAt);
            settled = in.readerIndex();
            value = values.array((int) length);
            left = length;
            state = State.VALUE;
            return;
        }
        if (headBefore > 0) {
            var before = head.substring(0, headBefore);
            context.fireChannelRead(Unpooled.copiedBuffer(before, StandardCharsets.US_ASCII));
            headBefore = 0;
        }
        left = length < 0 ? 0 : length + LINE_END_BYTES;
        state = left == 0 ? State.TYPE : State.STRING;
    }

    /** What the head says; -1 if that is no length, as of a value that is not there. */
    private long length() {
        int end = head.length() - LINE_END_BYTES;
        long length = 0;
        for (int i = 1; i < end; i++) {
            int digit = Character.digit(head.charAt(i), 10);
            if (digit < 0) {
                return -1;
            }
            length = 10 * length + digit;
        }
        return end > 1 && head.charAt(end) == '\r' ? length : -1;
    }

    private void passOn(ChannelHandlerContext context, ByteBuf in, int to) {
        if (to > settled) {
            context.fireChannelRead(in.retainedSlice(settled, to - settled));
            settled = to;
        }
    }

    /** Lettuce decodes the ticket at once, if it still decodes at all. */
    private void handOver(ChannelHandlerContext context) {
        long ticket = values.hand(value);
        value = new byte[0];
        try {
            context.fireChannelRead(values.reply(ticket, context.alloc()));
        } finally {
            values.forget(ticket);
        }
    }
}
