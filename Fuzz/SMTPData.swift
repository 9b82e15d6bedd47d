// fuzz-sources: Sources/SMTPServer/Content/DotDecoder.swift Sources/SMTPServer/Content/LineAudit.swift Sources/SMTPServer/Content/LineMender.swift Sources/SMTPServer/Content/HeaderDigest.swift

/// DATA: however the octets are cut, the decoder finds the end that RFC 5321 section 4.5.2 means, and no other.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 1 else { return 0 }
  let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
  let step = Int(start[0] % 16) + 1
  let whole = decode(bytes, step: max(1, bytes.count))
  let cut = decode(bytes, step: step)
  let model = decodeByModel(bytes)
  guard whole.end == model.end, cut.end == model.end else { fatalError("another end") }
  if model.end != nil, whole.text != model.text || cut.text != model.text { fatalError("another message") }
  guard audit(bytes, step: max(1, bytes.count)) == audit(bytes, step: step) else { fatalError("another audit") }
  checkMender(bytes, step: step)
  let digest = HeaderDigest(bytes)
  guard digest.end <= bytes.count, digest.deliveredTo.allSatisfy({ $0.upperBound <= digest.end }) else {
    fatalError("header beyond its end")
  }
  return 0
}

private func decode(_ bytes: [UInt8], step: Int) -> (text: [UInt8], end: Int?) {
  var decoder = DotDecoder()
  var output: [UInt8] = []
  var position = 0
  while position < bytes.count {
    let piece = Array(bytes[position..<min(position + step, bytes.count)])
    let result = piece.withUnsafeBytes { input in decoder.decode(input) { output += $0 } }
    position += result.taken
    if result.isEnd { return (output, position) }
    guard result.taken == piece.count else { fatalError("octets left without an end") }
  }
  return (output, nil)
}

private func decodeByModel(_ bytes: [UInt8]) -> (text: [UInt8], end: Int?) {
  let input = [0x0d, 0x0a] + bytes
  var output: [UInt8] = []
  var index = 2
  while index < input.count {
    if input[index] == 0x2e, input[index - 2] == 0x0d, input[index - 1] == 0x0a {
      if index + 2 < input.count, input[index + 1] == 0x0d, input[index + 2] == 0x0a { return (output, index + 1) }
    } else {
      output.append(input[index])
    }
    index += 1
  }
  return (output, nil)
}

private func audit(_ bytes: [UInt8], step: Int) -> LineAudit {
  var audit = LineAudit()
  for start in stride(from: 0, to: bytes.count, by: step) {
    Array(bytes[start..<min(start + step, bytes.count)]).withUnsafeBytes { audit.scan($0) }
  }
  audit.finish()
  return audit
}

private func checkMender(_ bytes: [UInt8], step: Int) {
  var mender = LineMender()
  var output: [UInt8] = []
  for start in stride(from: 0, to: bytes.count, by: step) {
    let piece = Array(bytes[start..<min(start + step, bytes.count)])
    output += piece.withUnsafeBytes { mender.isNeeded(for: $0) ? mender.mend($0) : Array($0) }
  }
  guard audit(output, step: max(1, output.count)).isClean else { fatalError("not mended") }
}
