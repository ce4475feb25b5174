package dev.stator.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeMap;

/**
 * What stands before the weights in a GGUF file of version 2 or 3: metadata and where each tensor
 * lies. As strict as llama.cpp's own reader, and the weights must all be there. Lists (a vocabulary
 * is one) are checked but stay in the file, so that memory is bounded by {@link
 * #MAX_METADATA_BYTES} whatever the file says.
 */
public final class GgufFile {
    static final long MAX_METADATA_BYTES = 32L << 20;

    private final Path path;
    private final long fileBytes;
    private final int version;
    private final Map<String, GgufValue> metadata;
    private final Map<String, Extent> extents;
    private final Map<String, GgufTensor> tensors;

    /** Where a value with its type stands in the file. */
    record Extent(long from, long to) {}

    GgufFile(
            Path path,
            long fileBytes,
            int version,
            Map<String, GgufValue> metadata,
            Map<String, Extent> extents,
            Map<String, GgufTensor> tensors) {
        this.path = path;
        this.fileBytes = fileBytes;
        this.version = version;
        this.metadata = metadata;
        this.extents = extents;
        this.tensors = tensors;
    }

    /**
     * Reads a file's head and checks it.
     *
     * @throws ModelFileException if it cannot be read or is not a whole GGUF file
     */
    public static GgufFile read(Path path) {
        if (Files.isDirectory(path)) {
            throw new ModelFileException(
                    "%s is a folder; name the .gguf file in it".formatted(path));
        }
        try (var source = new GgufSource(path)) {
            return new GgufReader(path, source).read();
        } catch (NoSuchFileException e) {
            throw new ModelFileException("there is no file %s".formatted(path), e);
        } catch (IOException e) {
            throw new ModelFileException("cannot read %s: %s".formatted(path, e), e);
        }
    }

    public Path path() {
        return path;
    }

    public long fileBytes() {
        return fileBytes;
    }

    public int version() {
        return version;
    }

    /** In the order of the file. */
    public Map<String, GgufValue> metadata() {
        return metadata;
    }

    /** In the order of the file. */
    public List<GgufTensor> tensors() {
        return List.copyOf(tensors.values());
    }

    public Optional<GgufTensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /** The value of a key if there is one and it is a text. */
    public Optional<String> text(String key) {
        return metadata.get(key) instanceof GgufValue.Text(var value)
                ? Optional.of(value)
                : Optional.empty();
    }

    public OptionalLong whole(String key) {
        return metadata.get(key) instanceof GgufValue.Whole(_, var value)
                ? OptionalLong.of(value)
                : OptionalLong.empty();
    }

    /** The value of a key if there is one and it is a number. */
    public OptionalDouble real(String key) {
        return switch (metadata.get(key)) {
            case GgufValue.Real(_, var value) -> OptionalDouble.of(value);
            case GgufValue.Whole(_, var value) -> OptionalDouble.of(value);
            case null, default -> OptionalDouble.empty();
        };
    }

    public Optional<Boolean> flag(String key) {
        return metadata.get(key) instanceof GgufValue.Flag(var value)
                ? Optional.of(value)
                : Optional.empty();
    }

    public Optional<GgufValue.Array> array(String key) {
        return metadata.get(key) instanceof GgufValue.Array array
                ? Optional.of(array)
                : Optional.empty();
    }

    /**
     * Reads a list of integers or booleans.
     *
     * @throws ModelFileException if there are more than {@code maxCount} or they are something else
     */
    public List<Long> wholes(String key, int maxCount) {
        var array = array(key).orElseThrow(() -> missing(key));
        if (array.count() > maxCount) {
            throw new ModelFileException(
                    String.format(
                            Locale.ROOT,
                            "%s in %s has %,d elements, more than %,d",
                            key,
                            path,
                            array.count(),
                            maxCount));
        }
        try (var source = new GgufSource(path)) {
            source.position(array.position());
            var values = new ArrayList<Long>();
            for (long i = 0; i < array.count(); i++) {
                values.add(
                        switch (GgufReader.scalar(source, array.elementType(), key)) {
                            case GgufValue.Whole(_, var value) -> value;
                            case GgufValue.Flag(var value) -> value ? 1L : 0L;
                            default -> throw source.corrupt(key + " is not a list of integers");
                        });
            }
            return List.copyOf(values);
        } catch (IOException e) {
            throw new ModelFileException("cannot read %s: %s".formatted(path, e), e);
        }
    }

    /** Some elements of a list of texts, by index; indices beyond the end are left out. */
    public Map<Long, String> texts(String key, SortedSet<Long> indices) {
        var array = array(key).orElseThrow(() -> missing(key));
        if (array.elementType() != GgufType.STRING) {
            throw new ModelFileException("%s in %s is not a list of texts".formatted(key, path));
        }
        var found = new TreeMap<Long, String>();
        try (var source = new GgufSource(path)) {
            source.position(array.position());
            long at = 0;
            for (long index : indices.tailSet(0L).headSet(array.count())) {
                for (; at < index; at++) {
                    source.skipText(key);
                }
                found.put(index, source.text(MAX_METADATA_BYTES, key));
                at++;
            }
        } catch (IOException e) {
            throw new ModelFileException("cannot read %s: %s".formatted(path, e), e);
        }
        return found;
    }

    /** The keys with a prefix, and where their values stand. */
    Map<String, Extent> extents(String prefix) {
        var matching = new LinkedHashMap<String, Extent>();
        extents.forEach(
                (key, extent) -> {
                    if (key.startsWith(prefix)) {
                        matching.put(key, extent);
                    }
                });
        return matching;
    }

    private ModelFileException missing(String key) {
        return new ModelFileException("%s has no list %s".formatted(path, key));
    }
}
