#if canImport(Glibc)
  import Glibc
#endif

/// The text after the last slash.
func lastComponent(_ path: String) -> String {
  String(path.split(separator: "/").last ?? Substring(path))
}

/// The text before the last slash, `/` for a file in the root.
func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// A path made absolute by the working directory.
package func absolutePath(_ path: String) -> String {
  guard !path.hasPrefix("/") else { return path }
  var buffer = [CChar](repeating: 0, count: 4096)
  guard getcwd(&buffer, buffer.count) != nil else { return path }
  let current = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  var tail = Substring(path)
  while tail.hasPrefix("./") { tail = tail.dropFirst(2) }
  return current == "/" ? "/\(tail)" : "\(current)/\(tail)"
}

/// A path of the configuration made absolute by the file's folder.
func resolve(_ path: String, _ base: String) -> String {
  guard !path.isEmpty, !path.hasPrefix("/") else { return path }
  var tail = Substring(path)
  while tail.hasPrefix("./") { tail = tail.dropFirst(2) }
  if tail == "." || tail.isEmpty { return base }
  return base == "/" ? "/\(tail)" : "\(base)/\(tail)"
}

/// Whether a text can be a host's name in a greeting (RFC 1123 section 2.1); one label is allowed.
func isHostName(_ text: String) -> Bool {
  guard !text.isEmpty, text.utf8.count <= 253 else { return false }
  return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
    !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
      && label.utf8.allSatisfy { octet in
        octet == 0x2d || octet == 0x5f || (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet)
          || (0x61...0x7a).contains(octet)
      }
  }
}
