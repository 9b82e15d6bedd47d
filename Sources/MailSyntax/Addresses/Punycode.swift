/// Punycode, RFC 3492: Unicode scalars as ASCII letters, digits and hyphens.
enum Punycode {
  private static let base: UInt32 = 36
  private static let tMin: UInt32 = 1
  private static let tMax: UInt32 = 26
  private static let skew: UInt32 = 38
  private static let damp: UInt32 = 700
  private static let initialBias: UInt32 = 72
  private static let initialN: UInt32 = 128

  /// Encodes scalars, without the `xn--` prefix; `nil` when the input is longer than the arithmetic can carry.
  static func encode(_ scalars: [Unicode.Scalar]) -> String? {
    guard scalars.count < 1000 else { return nil }
    var output = scalars.filter(\.isASCII).map { UInt8(truncatingIfNeeded: $0.value) }
    let basicCount = output.count
    if basicCount > 0 { output.append(ASCII.hyphen) }
    var n = initialN
    var delta: UInt32 = 0
    var bias = initialBias
    var handled = basicCount
    while handled < scalars.count {
      guard let next = scalars.lazy.map(\.value).filter({ $0 >= n }).min() else { return nil }
      let (step, overflow) = (next - n).multipliedReportingOverflow(by: UInt32(handled + 1))
      let (moved, overflowSum) = delta.addingReportingOverflow(step)
      guard !overflow, !overflowSum else { return nil }
      delta = moved
      n = next
      for scalar in scalars {
        if scalar.value < n {
          guard delta < .max else { return nil }
          delta += 1
        }
        if scalar.value == n {
          appendVariableLength(delta, bias: bias, to: &output)
          bias = adapt(delta, points: UInt32(handled + 1), first: handled == basicCount)
          delta = 0
          handled += 1
        }
      }
      guard delta < .max else { return nil }
      delta += 1
      n += 1
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// Decodes what follows `xn--`; `nil` for malformed input, surrogates or overflow.
  static func decode(_ text: some StringProtocol) -> [Unicode.Scalar]? {
    let input = Array(text.utf8)
    guard input.count < 1000, input.allSatisfy({ $0 < 0x80 }) else { return nil }
    var output: [UInt32] = []
    var index = 0
    if let hyphen = input.lastIndex(of: ASCII.hyphen) {
      output = input[..<hyphen].map(UInt32.init)
      index = hyphen + 1
    }
    var n = initialN
    var i: UInt32 = 0
    var bias = initialBias
    while index < input.count {
      let oldI = i
      var weight: UInt32 = 1
      var k = base
      while true {
        guard index < input.count, let digit = digitValue(input[index]) else { return nil }
        index += 1
        let (product, overflow) = digit.multipliedReportingOverflow(by: weight)
        let (sum, overflowSum) = i.addingReportingOverflow(product)
        guard !overflow, !overflowSum else { return nil }
        i = sum
        let t = threshold(k, bias: bias)
        if digit < t { break }
        let (heavier, overflowWeight) = weight.multipliedReportingOverflow(by: base - t)
        guard !overflowWeight else { return nil }
        weight = heavier
        k += base
      }
      let length = UInt32(output.count + 1)
      bias = adapt(i - oldI, points: length, first: oldI == 0)
      let (next, overflow) = n.addingReportingOverflow(i / length)
      guard !overflow, next <= 0x10ffff else { return nil }
      n = next
      i %= length
      output.insert(n, at: Int(i))
      i += 1
    }
    var scalars: [Unicode.Scalar] = []
    for value in output {
      guard let scalar = Unicode.Scalar(value) else { return nil }
      scalars.append(scalar)
    }
    return scalars
  }

  private static func threshold(_ k: UInt32, bias: UInt32) -> UInt32 {
    k <= bias ? tMin : (k >= bias + tMax ? tMax : k - bias)
  }

  private static func appendVariableLength(_ delta: UInt32, bias: UInt32, to output: inout [UInt8]) {
    var q = delta
    var k = base
    while true {
      let t = threshold(k, bias: bias)
      if q < t { break }
      output.append(digit(t + (q - t) % (base - t)))
      q = (q - t) / (base - t)
      k += base
    }
    output.append(digit(q))
  }

  private static func adapt(_ delta: UInt32, points: UInt32, first: Bool) -> UInt32 {
    var delta = first ? delta / damp : delta / 2
    delta += delta / points
    var k: UInt32 = 0
    while delta > ((base - tMin) * tMax) / 2 {
      delta /= base - tMin
      k += base
    }
    return k + (base - tMin + 1) * delta / (delta + skew)
  }

  private static func digit(_ value: UInt32) -> UInt8 {
    let low = UInt8(truncatingIfNeeded: value)
    return low < 26 ? 0x61 &+ low : 0x16 &+ low
  }

  private static func digitValue(_ octet: UInt8) -> UInt32? {
    if ASCII.isLetter(octet) { return UInt32((octet | 0x20) - 0x61) }
    if ASCII.isDigit(octet) { return UInt32(octet - 0x30 + 26) }
    return nil
  }
}
