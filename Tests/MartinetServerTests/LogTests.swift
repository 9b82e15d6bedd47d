import Basics
import Logging
import Testing

@testable import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

@Suite("The log") struct LogTests {
  /// Both ends of a pipe, closed with it.
  private final class Pipe: Sendable {
    let reading: CInt
    let writing: CInt

    init() throws {
      var ends: [CInt] = [0, 0]
      try #require(pipe(&ends) == 0)
      (reading, writing) = (ends[0], ends[1])
    }

    /// What has come so far; waits for the first octets at most so long.
    func read(within milliseconds: CInt = 5000) -> String {
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65536)
      var waiter = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
      while poll(&waiter, 1, text.isEmpty ? milliseconds : 50) > 0 {
        let count = Glibc.read(reading, &chunk, chunk.count)
        guard count > 0 else { break }
        text += chunk[..<count]
      }
      return String(decoding: text, as: UTF8.self)
    }
  }

  @Test("what a client sends forges no line") func escapes() throws {
    let pipe = try Pipe()
    let stream = LogStream(descriptor: pipe.writing)
    var log = Logger(label: "smtp") { LineLogHandler(label: $0, level: .info, stream: stream) }
    log[metadataKey: "session"] = "1"
    log.debug("not told")
    log.notice("refused", metadata: ["helo": "x\r\n2026-01-01T00:00:00Z info smtp: forged\u{1b}[2J\u{85}é"])
    let lines = pipe.read().split(separator: "\n")
    #expect(lines.count == 1)
    #expect(
      lines[0].hasSuffix(
        " notice smtp: refused helo=x\\xd\\xa2026-01-01T00:00:00Z info smtp: forged\\x1b[2J\\x85é session=1"))
  }

  @Test("a log that nobody reads keeps no one waiting, and says afterwards what it lost") func neverWaits() throws {
    let pipe = try Pipe()
    let stream = LogStream(descriptor: pipe.writing, limit: 100_000)
    let line = String(repeating: "x", count: 999) + "\n"
    let begin = SystemTime().uptime
    // More than the pipe (64 KiB) and what may wait together.
    for _ in 0..<2000 { stream.append(line) }
    #expect(SystemTime().uptime - begin < .seconds(2))
    var text = ""
    var kept = 0
    var lost = 0
    while kept + lost < 2000 {
      let more = pipe.read()
      try #require(!more.isEmpty, "\(kept) kept, \(lost) lost")
      text += more
      let lines = text.split(separator: "\n").filter { !$0.isEmpty }
      kept = lines.count { $0.first == "x" }
      lost = lines.compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }.reduce(0, +)
    }
    #expect(lost > 1000)
    stream.append("after\n")
    stream.finish(within: 5000)
    #expect(pipe.read() == "after\n")
  }
}
