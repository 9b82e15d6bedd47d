import Synchronization
import WireTesting

#if canImport(Glibc)
  import Glibc
#endif

/// A server on loopback that does exactly what a script says, well-behaved or not.
final class ScriptedServer: Sendable {
  var port: Int { listener.port }
  private let listener: LoopbackListener
  private let served = Mutex<[String]>([])

  /// Listens, and runs the script once for each connection, one after the other, on a thread of its own.
  init(_ script: @escaping @Sendable (ScriptedPeer) -> Void) throws {
    listener = try LoopbackListener()
    listener.serve { [self] client in
      var wait = timeval(tv_sec: 20, tv_usec: 0)
      setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
      script(ScriptedPeer(descriptor: client) { line in self.served.withLock { $0.append(line) } })
    }
  }

  /// Every command line the clients have sent.
  var lines: [String] { served.withLock { $0 } }

  /// Stops listening; a script that runs goes on to its end.
  func stop() { listener.stop() }
}

/// The server's end of one connection.
final class ScriptedPeer: @unchecked Sendable {
  private let descriptor: Int32
  private let note: (String) -> Void
  private var buffer: [UInt8] = []

  init(descriptor: Int32, note: @escaping (String) -> Void) {
    self.descriptor = descriptor
    self.note = note
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// The next line without CRLF; `nil` at the end.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 0x0a) {
        var bytes = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        if bytes.last == 0x0d { bytes.removeLast() }
        let text = String(decoding: bytes, as: UTF8.self)
        note(text)
        return text
      }
      guard fill() else { return nil }
    }
  }

  /// Reads lines until one starts with `prefix`, and answers each of the others with `250`.
  func expect(_ prefix: String, then reply: String? = nil) {
    while let line = line() {
      if line.hasPrefix(prefix) {
        if let reply { send(reply + "\r\n") }
        return
      }
      send("250 fine\r\n")
    }
  }

  /// Exactly so many octets, or fewer at the end.
  func octets(_ count: Int) -> [UInt8] {
    while buffer.count < count, fill() {}
    let taken = Array(buffer.prefix(count))
    buffer.removeFirst(taken.count)
    return taken
  }

  /// The raw data up to CRLF.CRLF, which is not part of what is returned.
  func data() -> [UInt8] {
    let end: [UInt8] = [0x0d, 0x0a, 0x2e, 0x0d, 0x0a]
    var scanned = 0
    while true {
      if buffer.starts(with: end.dropFirst(2)) {
        buffer.removeFirst(3)
        return []
      }
      if buffer.count >= 5 {
        for index in scanned...(buffer.count - 5) where Array(buffer[index..<index + 5]) == end {
          let data = Array(buffer[..<(index + 2)])
          buffer.removeFirst(index + 5)
          return data
        }
        scanned = max(0, buffer.count - 4)
      }
      guard fill() else { return buffer }
    }
  }

  /// Waits until the client closes.
  func waitForEnd() { while fill() { buffer = [] } }

  private func fill() -> Bool {
    var block = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &block, block.count, 0)
    guard count > 0 else { return false }
    buffer.append(contentsOf: block[..<count])
    return true
  }
}
