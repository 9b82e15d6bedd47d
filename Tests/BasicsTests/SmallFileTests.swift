import Testing

@testable import Basics

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct SmallFileTests {
  @Test("A file is read whole up to its limit; beyond it and without it, errno says why")
  func reads() throws {
    let path = "/tmp/martinet-small-\(getpid())"
    defer { unlink(path) }
    let text = Array(String(repeating: "0123456789", count: 10_000).utf8)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    #expect(write(descriptor, text, text.count) == text.count)
    close(descriptor)
    #expect(SmallFile.bytes(path, limit: text.count) == text)
    #expect(SmallFile.bytes(path, limit: text.count - 1) == nil)
    #expect(errno == EFBIG)
    #expect(SmallFile.text(path, limit: 1 << 20)?.hasPrefix("0123456789") == true)
    #expect(SmallFile.text(path + ".none") == nil)
    #expect(errno == ENOENT)
  }
}
