package dev.stator.models;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Says what a file that should have been a model begins with. */
final class FileStart {
    private FileStart() {}

    /**
     * The bytes as text where they print, in hexadecimal elsewhere, and what that usually means.
     */
    static String describe(byte[] start) {
        for (byte octet : start) {
            if (octet < ' ' || octet > '~') {
                return "the bytes " + HexFormat.ofDelimiter(" ").formatHex(start) + hint(start);
            }
        }
        return "'" + new String(start, StandardCharsets.US_ASCII) + "'" + hint(start);
    }

    private static String hint(byte[] start) {
        var text = new String(start, StandardCharsets.ISO_8859_1);
        if (text.startsWith("<")) {
            return ", so it is a web page";
        }
        if (text.startsWith("version ")) {
            return ", so it is a Git LFS pointer: fetch the file that it points to";
        }
        if (text.startsWith("PK")) {
            return ", so it is a zip archive, perhaps a PyTorch model: convert it to GGUF";
        }
        return text.startsWith("{") ? ", so it is JSON" : "";
    }
}
