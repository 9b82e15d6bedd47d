import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A filter on loopback that answers as a script says.
final class FakeFilter: Sendable {
  /// Command (or `raw` for octets as they are, `close` for the end) and data.
  typealias Answer = (String, [UInt8])
  let port: Int
  private let listener: Int32
  private let log = Mutex<[String]>([])

  /// Every packet that came: the command, a blank unless it brings macros, the data.
  var heard: [String] { log.withLock { $0 } }

  init(
    version: UInt8 = 6, actions: UInt32 = 0x7f, steps: UInt32 = 0x10_0000,
    _ script: @escaping @Sendable (_ command: String, _ data: String) -> [Answer]
  ) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, raw, &length) == 0
      }
    }
    struct NoPort: Error {}
    guard isListening else { throw NoPort() }
    listener = descriptor
    port = Int(UInt16(bigEndian: address.sin_port))
    let options = Self.number(UInt32(version)) + Self.number(actions) + Self.number(steps)
    Self.detach { [weak self] in
      while true {
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return }
        self?.serve(peer, options, script)
        close(peer)
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func serve(_ peer: Int32, _ options: [UInt8], _ script: (String, String) -> [Answer]) {
    while let head = Self.read(peer, 5) {
      let size = head[0..<4].reduce(0) { $0 << 8 | Int($1) } - 1
      guard let data = Self.read(peer, size) else { return }
      let command = String(UnicodeScalar(head[4]))
      let text = String(decoding: data, as: UTF8.self)
      log.withLock { $0.append(command == "D" ? "D\(text)" : "\(command) \(text)") }
      switch command {
      case "O": Self.send(peer, Self.number(UInt32(options.count + 1)) + [head[4]] + options)
      case "D", "A": continue
      case "Q": return
      default:
        for (answer, octets) in script(command, text) {
          switch answer {
          case "close": return
          case "raw": Self.send(peer, octets)
          default: Self.send(peer, Self.number(UInt32(octets.count + 1)) + Array(answer.utf8) + octets)
          }
        }
      }
    }
  }

  private static func number(_ value: UInt32) -> [UInt8] {
    [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
  }

  private static func read(_ peer: Int32, _ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: max(count, 0))
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes { recv(peer, $0.baseAddress.map { $0 + done }, count - done, 0) }
      guard got > 0 else { return nil }
      done += got
    }
    return bytes
  }

  private static func send(_ peer: Int32, _ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { Glibc.send(peer, $0.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private static func detach(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(Body(body)).toOpaque())
    pthread_detach(thread)
  }
}
