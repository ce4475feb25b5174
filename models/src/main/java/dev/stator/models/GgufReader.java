package dev.stator.models;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One pass over the head of a GGUF file, with all checks. */
final class GgufReader {
    private static final long MAX_KEY_BYTES = 1024;
    private static final long MAX_TENSOR_NAME_BYTES = 63;
    private static final int MAX_DIMENSIONS = 4;
    private static final int MAX_KEYS = 1 << 16;
    private static final int MAX_TENSORS = 1 << 18;
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MAX_ALIGNMENT = 1 << 20;
    private static final String ALIGNMENT_KEY = "general.alignment";

    private final Path path;
    private final GgufSource source;
    private final Map<String, GgufValue> metadata = new LinkedHashMap<>();
    private final Map<String, GgufFile.Extent> extents = new LinkedHashMap<>();
    private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    private long metadataBytes;

    GgufReader(Path path, GgufSource source) {
        this.path = path;
        this.source = source;
    }

    GgufFile read() throws IOException {
        readMagic();
        int version = readVersion();
        long tensorCount = count("tensors", MAX_TENSORS);
        long keyCount = count("metadata keys", MAX_KEYS);
        for (long i = 0; i < keyCount; i++) {
            readEntry(i);
        }
        int alignment = alignment();
        for (long i = 0; i < tensorCount; i++) {
            readTensor(i);
        }
        checkPlaces(alignment);
        return new GgufFile(
                path,
                source.fileBytes(),
                version,
                Collections.unmodifiableMap(metadata),
                extents,
                tensors);
    }

    private void readMagic() throws IOException {
        if (source.fileBytes() == 0) {
            throw new ModelFileException("%s is empty".formatted(path));
        }
        int length = (int) Math.min(8, source.fileBytes());
        byte[] start = new byte[length];
        for (int i = 0; i < length; i++) {
            start[i] = (byte) source.u8("the magic number");
        }
        if (length < 4
                || start[0] != 'G'
                || start[1] != 'G'
                || start[2] != 'U'
                || start[3] != 'F') {
            throw new ModelFileException(
                    "%s is not a GGUF file: it begins with %s"
                            .formatted(path, FileStart.describe(start)));
        }
        source.position(4);
    }

    private int readVersion() throws IOException {
        int version = source.u32("the version");
        if (version != 0 && (version & 0xffff) == 0) {
            throw new ModelFileException(
                    "%s is a big-endian GGUF file, which llama.cpp does not read on this machine. Convert it to little-endian"
                            .formatted(path));
        }
        if (version < 2 || version > GgufWriter.VERSION) {
            throw new ModelFileException(
                    "%s is GGUF version %s; versions 2 and 3 can be read. %s"
                            .formatted(
                                    path,
                                    Integer.toUnsignedString(version),
                                    version == 1
                                            ? "Convert the model again with a current llama.cpp"
                                            : "Update Stator or check the file"));
        }
        return version;
    }

    private long count(String what, int max) throws IOException {
        long count = source.u64("the number of " + what);
        if (count < 0 || count > max) {
            throw source.corrupt(
                    String.format(
                            Locale.ROOT,
                            "it claims %s %s, more than %,d",
                            Long.toUnsignedString(count),
                            what,
                            max));
        }
        return count;
    }

    private void readEntry(long index) throws IOException {
        var key = source.text(MAX_KEY_BYTES, "metadata key %d".formatted(index));
        if (key.isEmpty()) {
            throw source.corrupt("metadata key %d is empty".formatted(index));
        }
        long from = source.position();
        var type = type(key);
        var value = type == GgufType.ARRAY ? array(key) : scalar(source, type, key);
        if (metadata.put(key, value) != null) {
            throw source.corrupt("the metadata key %s occurs twice".formatted(key));
        }
        extents.put(key, new GgufFile.Extent(from, source.position()));
        metadataBytes +=
                key.length() + (value instanceof GgufValue.Text(var text) ? text.length() : 0L);
        if (metadataBytes > GgufFile.MAX_METADATA_BYTES) {
            throw source.corrupt(
                    String.format(
                            Locale.ROOT,
                            "its metadata without lists has more than %,d bytes",
                            GgufFile.MAX_METADATA_BYTES));
        }
    }

    private GgufType type(String key) throws IOException {
        int number = source.u32("the type of " + key);
        if (number < 0 || number >= GgufType.values().length) {
            throw source.corrupt(
                    "the metadata key %s has the unknown type %s"
                            .formatted(key, Integer.toUnsignedString(number)));
        }
        return GgufType.values()[number];
    }

    private GgufValue array(String key) throws IOException {
        var elementType = type(key);
        if (elementType == GgufType.ARRAY) {
            throw source.corrupt(
                    "the metadata key %s is a list of lists, which llama.cpp does not read"
                            .formatted(key));
        }
        long count = source.u64("the number of elements of " + key);
        long position = source.position();
        int least = elementType == GgufType.STRING ? Long.BYTES : elementType.bytes;
        if (count < 0 || count > source.remaining() / least) {
            throw source.corrupt(
                    String.format(
                            Locale.ROOT,
                            "the metadata key %s claims %s elements, for which only %,d bytes are left in the file",
                            key,
                            Long.toUnsignedString(count),
                            source.remaining()));
        }
        if (elementType == GgufType.STRING) {
            for (long i = 0; i < count; i++) {
                source.skipText("element %d of %s".formatted(i, key));
            }
        } else {
            source.skip(count * elementType.bytes, key);
        }
        return new GgufValue.Array(elementType, count, position);
    }

    static GgufValue scalar(GgufSource source, GgufType type, String key) throws IOException {
        return switch (type) {
            case UINT8 -> new GgufValue.Whole(type, source.u8(key));
            case INT8 -> new GgufValue.Whole(type, (byte) source.u8(key));
            case UINT16 -> new GgufValue.Whole(type, source.u16(key) & 0xffff);
            case INT16 -> new GgufValue.Whole(type, source.u16(key));
            case UINT32 -> new GgufValue.Whole(type, source.u32(key) & 0xffffffffL);
            case INT32 -> new GgufValue.Whole(type, source.u32(key));
            case UINT64, INT64 -> new GgufValue.Whole(type, source.u64(key));
            case FLOAT32 -> new GgufValue.Real(type, Float.intBitsToFloat(source.u32(key)));
            case FLOAT64 -> new GgufValue.Real(type, Double.longBitsToDouble(source.u64(key)));
            case BOOL -> new GgufValue.Flag(source.u8(key) != 0);
            case STRING -> new GgufValue.Text(source.text(GgufFile.MAX_METADATA_BYTES, key));
            case ARRAY -> throw new IllegalArgumentException("a list is not a scalar");
        };
    }

    private int alignment() {
        return switch (metadata.get(ALIGNMENT_KEY)) {
            case null -> DEFAULT_ALIGNMENT;
            case GgufValue.Whole(var type, var value)
                    when type == GgufType.UINT32
                            && value > 0
                            && value <= MAX_ALIGNMENT
                            && Long.bitCount(value) == 1 ->
                    (int) value;
            case GgufValue.Whole(_, var value) ->
                    throw source.corrupt(
                            String.format(
                                    Locale.ROOT,
                                    "its alignment is %d, not a power of two up to %,d",
                                    value,
                                    MAX_ALIGNMENT));
            default -> throw source.corrupt(ALIGNMENT_KEY + " is not an unsigned integer");
        };
    }

    private void readTensor(long index) throws IOException {
        var name = source.text(MAX_TENSOR_NAME_BYTES, "the name of tensor %d".formatted(index));
        int count = source.u32("the number of dimensions of tensor " + name);
        if (count < 0 || count > MAX_DIMENSIONS) {
            throw source.corrupt(
                    "tensor %s has %s dimensions, more than %d"
                            .formatted(name, Integer.toUnsignedString(count), MAX_DIMENSIONS));
        }
        var dimensions = new ArrayList<Long>();
        for (int i = 0; i < count; i++) {
            dimensions.add(source.u64("the dimensions of tensor " + name));
        }
        int number = source.u32("the type of tensor " + name);
        var type =
                GgmlType.numbered(number)
                        .orElseThrow(
                                () ->
                                        source.corrupt(
                                                "tensor %s has the type %s, which llama.cpp does not know"
                                                        .formatted(
                                                                name,
                                                                Integer.toUnsignedString(number))));
        long offset = source.u64("the offset of tensor " + name);
        var tensor = new GgufTensor(name, type, dimensions, offset, bytes(name, type, dimensions));
        if (tensors.put(name, tensor) != null) {
            throw source.corrupt("the tensor %s occurs twice".formatted(name));
        }
    }

    private long bytes(String name, GgmlType type, List<Long> dimensions) {
        long elements = 1;
        try {
            for (long dimension : dimensions) {
                if (dimension < 0) {
                    throw new ArithmeticException();
                }
                elements = Math.multiplyExact(elements, dimension);
            }
            long row = dimensions.isEmpty() ? 1 : dimensions.getFirst();
            if (row % type.blockElements != 0) {
                throw source.corrupt(
                        String.format(
                                Locale.ROOT,
                                "tensor %s has rows of %,d elements, which %s stores by %d",
                                name,
                                row,
                                type,
                                type.blockElements));
            }
            return type.bytes(elements);
        } catch (ArithmeticException _) {
            throw source.corrupt(
                    "tensor %s has the impossible dimensions %s"
                            .formatted(
                                    name,
                                    dimensions.stream().map(Long::toUnsignedString).toList()));
        }
    }

    /**
     * Tensors stand in the order of the list, each at the next multiple of the alignment: what
     * llama.cpp demands, and what rules out that two share bytes.
     */
    private void checkPlaces(int alignment) {
        long start = roundUp(source.position(), alignment);
        long expected = 0;
        for (var tensor : tensors.values()) {
            if (tensor.offset() != expected) {
                throw source.corrupt(
                        String.format(
                                Locale.ROOT,
                                "tensor %s begins at byte %s of the weights instead of %,d",
                                tensor.name(),
                                Long.toUnsignedString(tensor.offset()),
                                expected));
            }
            long available = source.fileBytes() - start - expected;
            if (tensor.bytes() > available) {
                throw new ModelFileException(
                        String.format(
                                Locale.ROOT,
                                "%s is cut short: tensor %s ends %,d bytes beyond the end of the file: the download is incomplete",
                                path,
                                tensor.name(),
                                tensor.bytes() - available));
            }
            expected = roundUp(expected + tensor.bytes(), alignment);
        }
    }

    private static long roundUp(long value, int alignment) {
        return (value + alignment - 1) & -(long) alignment;
    }
}
