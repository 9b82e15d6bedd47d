import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// The message files: `messages/<id>`, each the octets of a message and its envelope.
///
/// Everything here blocks; callers are on file threads or at start.
struct SpoolFolder: Sendable {
  let path: String

  init(directory: String) { path = directory + "/messages" }

  /// Makes the folder and those above it.
  func create() throws {
    var made = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made.hasSuffix("/") ? part : "/" + part)
      if mkdir(made, 0o700) != 0, errno != EEXIST { throw SystemFailure("mkdir", made).error }
    }
  }

  func file(_ id: String) -> String { path + "/" + id }

  /// Writes a message and its envelope durably, but for the folder's own entry (see ``sync()``).
  ///
  /// - Returns: the octets of the message, prefix included.
  func write(_ id: String, prefix: [UInt8], content: MessageContent, trailer: (Int) -> [UInt8]) throws -> Int {
    let temporary = file(id) + ".tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemFailure("create", temporary).error }
    defer { close(descriptor) }
    do {
      var size = prefix.count
      try Self.write(prefix, to: descriptor, temporary)
      switch content {
      case .bytes(let bytes):
        try Self.write(bytes, to: descriptor, temporary)
        size += bytes.count
      case .file(let source, let length):
        try Self.copy(source, length, to: descriptor, temporary)
        size += length
      }
      try Self.write(trailer(size), to: descriptor, temporary)
      guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", temporary).error }
      // Unlike rename, link never replaces: should an id ever come twice, the first message stays whole.
      guard link(temporary, file(id)) == 0 else { throw SystemFailure("link", file(id)).error }
      unlink(temporary)
      return size
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Makes new and removed names of the folder durable.
  func sync() throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure("open", path).error }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", path).error }
  }

  func remove(_ id: String) { unlink(file(id)) }

  func exists(_ id: String) -> Bool { access(file(id), F_OK) == 0 }

  /// The names in the folder.
  func names() throws -> [String] {
    guard let names = DirectoryNames.list(path, where: { !$0.hasPrefix(".") }) else {
      throw SystemFailure("open", path).error
    }
    return names
  }

  /// When a file was last changed; `nil` when it is gone.
  func changed(_ name: String) -> Timestamp? {
    var status = stat()
    guard stat(file(name), &status) == 0 else { return nil }
    return Timestamp(seconds: Int64(status.st_mtim.tv_sec))
  }

  /// The envelope at the end of a file; `nil` when the file is not whole.
  func trailer(_ name: String) -> EnvelopeTrailer? {
    let descriptor = open(file(name), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let end = Int(lseek(descriptor, 0, SEEK_END))
    guard
      let footer = Self.read(
        descriptor, at: end - EnvelopeTrailer.footerLength, count: EnvelopeTrailer.footerLength),
      let length = EnvelopeTrailer.length(footer: footer), length <= end,
      let bytes = Self.read(descriptor, at: end - length, count: length),
      let trailer = EnvelopeTrailer(bytes), trailer.message.size == end - length, trailer.message.id == name
    else { return nil }
    return trailer
  }

  /// The first octets of a message.
  func head(_ id: String, size: Int, limit: Int) throws -> [UInt8] {
    let descriptor = open(file(id), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure("open", file(id)).error }
    defer { close(descriptor) }
    guard let bytes = Self.read(descriptor, at: 0, count: min(size, limit)) else {
      throw SystemFailure("read", file(id)).error
    }
    return bytes
  }

  private static func read(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      done += got
    }
    return bytes
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws {
    var done = 0
    while done < bytes.count {
      let put = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress.map { $0 + done }, bytes.count - done)
      }
      if put < 0, errno == EINTR { continue }
      guard put > 0 else { throw SystemFailure("write", name).error }
      done += put
    }
  }

  private static func copy(_ source: String, _ length: Int, to descriptor: Int32, _ name: String) throws {
    let input = open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw SystemFailure("open", source).error }
    defer { close(input) }
    var done = 0
    while done < length {
      guard let chunk = read(input, at: done, count: min(length - done, 1 << 20)) else {
        throw SystemFailure("read", source).error
      }
      try write(chunk, to: descriptor, name)
      done += chunk.count
    }
  }
}

/// A failed system call with the reason of the moment it is made.
struct SystemFailure {
  let error: QueueError

  init(_ call: String, _ path: String) {
    error = .storage("\(call) \(path): \(String(cString: strerror(errno)))")
  }
}
