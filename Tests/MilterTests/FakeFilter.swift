import Synchronization
import WireTesting

#if canImport(Glibc)
  import Glibc
#endif

/// A filter on loopback that answers as a script says.
final class FakeFilter: Sendable {
  /// Command (or `raw` for octets as they are, `close` for the end) and data.
  typealias Answer = (String, [UInt8])
  var port: Int { listener.port }
  private let listener: LoopbackListener
  private let log = Mutex<[String]>([])

  /// Every packet that came: the command, a blank unless it brings macros, the data.
  var heard: [String] { log.withLock { $0 } }

  init(
    version: UInt8 = 6, actions: UInt32 = 0x7f, steps: UInt32 = 0x10_0000,
    _ script: @escaping @Sendable (_ command: String, _ data: String) -> [Answer]
  ) throws {
    listener = try LoopbackListener()
    let options = Self.number(UInt32(version)) + Self.number(actions) + Self.number(steps)
    listener.serve { [weak self] peer in self?.serve(peer, options, script) }
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
}
