import NIOCore
import Testing

@testable import Wire

@Suite struct DeflateCodecTests {
  private let allocator = ByteBufferAllocator()

  private func drain(_ codec: DeflateCodec, most: Int = 1000) throws -> [UInt8] {
    var result: [UInt8] = []
    while let more = try codec.inflate(most: most) {
      #expect(more.readableBytes <= most)
      result += more.readableBytesView
    }
    return result
  }

  @Test func whatOneSideWritesTheOtherReadsAtOnce() throws {
    let (near, far) = (try #require(DeflateCodec(level: 4)), try #require(DeflateCodec(level: 9)))
    var random = SystemRandomNumberGenerator()
    for round in 0..<200 {
      let count = round % 7 == 0 ? 40_000 : round
      let octets = (0..<count).map { UInt8($0 % 90) &+ (round % 3 == 0 ? UInt8.random(in: 0...9, using: &random) : 0) }
      guard let packed = near.deflate(ByteBuffer(bytes: octets), allocator: allocator) else {
        Issue.record("no memory")
        return
      }
      // In two pieces, cut anywhere.
      var first = packed
      let head = first.readSlice(length: packed.readableBytes / 2) ?? ByteBuffer()
      far.add(head)
      var got = try drain(far)
      far.add(first)
      got += try drain(far)
      #expect(got == octets, "round \(round)")
      // Sleep is never noticed by the other side.
      if round % 5 == 0 { near.sleep() }
      if round % 3 == 0 {
        far.sleep()
        #expect(far.isHibernating, "round \(round)")
      }
      #expect(far.isAwake == (round % 3 != 0))
    }
  }

  @Test func aBombIsGivenInPieces() throws {
    let (near, far) = (try #require(DeflateCodec(level: 9)), try #require(DeflateCodec(level: 4)))
    let zeros = ByteBuffer(repeating: 0x20, count: 4 << 20)
    let packed = try #require(near.deflate(zeros, allocator: allocator))
    #expect(packed.readableBytes < 40_000)
    far.add(packed)
    #expect(try far.inflate(most: 1000)?.readableBytes == 1000)
    #expect(far.holdsInput)
    #expect(try drain(far, most: 16_384).count == (4 << 20) - 1000)
    #expect(!far.holdsInput)
  }

  @Test func changedStreamsNeverTrap() throws {
    var random = SystemRandomNumberGenerator()
    let near = try #require(DeflateCodec(level: 6))
    let text = String(repeating: "a001 FETCH 1:* (FLAGS ENVELOPE)\r\n", count: 20)
    let good = Array(try #require(near.deflate(ByteBuffer(string: text), allocator: allocator)).readableBytesView)
    for _ in 0..<3000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let far = try #require(DeflateCodec(level: 4))
      far.add(ByteBuffer(bytes: bytes))
      var rounds = 0
      while rounds < 1000, let more = try? far.inflate(most: 512) {
        #expect(more.readableBytes <= 512)
        rounds += 1
        if rounds % 50 == 0 { far.sleep() }
      }
    }
  }

  @Test func nonsenseIsFoundOut() throws {
    let codec = try #require(DeflateCodec(level: 4))
    codec.add(ByteBuffer(string: "a001 NOOP\r\n"))
    #expect(throws: ConnectionError.damagedStream) { while try codec.inflate(most: 100) != nil {} }
    // A stream that has ended gives what it holds; nothing may follow.
    let ended = try #require(DeflateCodec(level: 4))
    ended.add(ByteBuffer(bytes: [0x4b, 0x04, 0x00]))
    #expect(try drain(ended) == Array("a".utf8))
    ended.add(ByteBuffer(bytes: [0x4b]))
    #expect(throws: ConnectionError.damagedStream) { try ended.inflate(most: 100) }
  }
}
