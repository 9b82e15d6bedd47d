// fuzz-sources: Sources/POP3Server/Grammar Sources/POP3Server/Replies

/// Command lines, dot-stuffing in pieces, and TOP's end.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let parser = POP3Parser()
  for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).prefix(50) {
    guard let command = try? parser.parse(Array(line)) else { continue }
    if case .lang(let tag?) = command { _ = POP3Language(tag: tag) }
    if case .top(_, let lines) = command, lines < 0 { fatalError("negative lines") }
  }
  // The first octet chooses the pieces; the rest is the message.
  guard let size = bytes.first.map({ Int($0 % 31) + 1 }) else { return 0 }
  let message = Array(bytes.dropFirst())
  var stuffing = DotStuffing()
  var top = TopLines(lines: size % 5)
  var sent: [UInt8] = []
  var topDone = false
  for from in stride(from: 0, to: message.count, by: size) {
    let piece = Array(message[from..<min(from + size, message.count)])
    for (index, range) in stuffing.pieces(piece).enumerated() {
      if index > 0 { sent.append(0x2e) }
      sent += piece[range]
    }
    if !topDone {
      let (taken, isDone) = top.take(piece)
      guard taken <= piece.count else { fatalError("TOP takes more than there is") }
      topDone = isDone
    }
  }
  sent += Array(stuffing.terminator.utf8)
  guard sent.suffix(3) == [0x2e, 0x0d, 0x0a] else { fatalError("no end") }
  var received: [UInt8] = []
  for line in sent.dropLast(3).split(separator: 0x0a, omittingEmptySubsequences: false) {
    received += line.first == 0x2e ? line.dropFirst() : line
    received.append(0x0a)
  }
  received.removeLast()
  let expected = message.suffix(2) == [0x0d, 0x0a] || message.isEmpty ? message : message + [0x0d, 0x0a]
  guard received == expected else { fatalError("stuffing changed the message") }
  return 0
}
