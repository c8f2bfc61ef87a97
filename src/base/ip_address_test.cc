#include "base/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace gatehouse {
namespace {

TEST(IpAddress, reads_and_writes_the_usual_text) {
  for (const char* text : {"10.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1", "2001:db8::1", "fe80::1:2:3:4"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0:0:0:0:1")->text(), "2001:db8::1");
}

TEST(IpAddress, refuses_what_is_no_address) {
  for (std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "127.1", "0x7f.0.0.1", "[::1]",
        "::1%eth0", "1.2.3.4:80", "::g", ":::", "1::2::3", "12345::", "localhost"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string(200, '1')));
}

TEST(IpAddress, a_mapped_address_is_the_ipv4_address) {
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1"), IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(IpAddress::parse("::ffff:10.0.0.1")->text(), "10.0.0.1");
  EXPECT_TRUE(IpAddress::parse("::ffff:a00:1")->is_v4());
  EXPECT_FALSE(IpAddress::parse("::10.0.0.1")->is_v4());
}

TEST(IpAddress, knows_loopback) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "::2", "::", "1::1", "0.0.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_loopback()) << text;
  }
}

TEST(IpAddress, comes_from_a_socket_address) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0x0a010203);
  EXPECT_EQ(IpAddress::from(reinterpret_cast<sockaddr&>(v4)).text(), "10.1.2.3");
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(IpAddress::from(reinterpret_cast<sockaddr&>(v6)).text(), "::1");
  sockaddr local{};
  local.sa_family = AF_UNIX;
  EXPECT_TRUE(IpAddress::from(local).unspecified());
}

TEST(Cidr, contains_its_addresses_and_no_others) {
  struct Case {
    const char* block;
    const char* address;
    bool inside;
  };
  for (const Case& c : {
           Case{"10.0.0.0/8", "10.255.1.2", true},
           Case{"10.0.0.0/8", "11.0.0.0", false},
           Case{"10.1.2.3/8", "10.9.9.9", true},
           Case{"192.168.1.128/25", "192.168.1.127", false},
           Case{"192.168.1.128/25", "192.168.1.200", true},
           Case{"1.2.3.4", "1.2.3.4", true},
           Case{"1.2.3.4", "1.2.3.5", false},
           Case{"0.0.0.0/0", "200.1.1.1", true},
           Case{"0.0.0.0/0", "::1", false},
           Case{"::/0", "2001:db8::1", true},
           Case{"::/0", "10.0.0.1", false},
           Case{"2001:db8::/33", "2001:db8:7fff::1", true},
           Case{"2001:db8::/33", "2001:db8:8000::1", false},
           Case{"::1", "::1", true},
           Case{"::ffff:10.0.0.0/104", "10.4.4.4", true},
       }) {
    EXPECT_EQ(Cidr::parse(c.block)->contains(*IpAddress::parse(c.address)), c.inside) << c.block << " " << c.address;
  }
}

TEST(Cidr, writes_its_canonical_text) {
  EXPECT_EQ(Cidr::parse("10.1.2.3/8")->text(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::parse("1.2.3.4")->text(), "1.2.3.4/32");
  EXPECT_EQ(Cidr::parse("2001:db8::1/32")->text(), "2001:db8::/32");
  EXPECT_EQ(Cidr::parse("::ffff:10.0.0.0/104")->text(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::parse("0.0.0.0/0")->text(), "0.0.0.0/0");
  EXPECT_EQ(Cidr::parse("::/0")->text(), "::/0");
  EXPECT_EQ(Cidr::parse("10.0.0.0/8"), Cidr::parse("10.255.0.0/8"));
}

TEST(Cidr, refuses_bad_prefixes) {
  for (const char* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/08", "/8",
                           "10.0.0/8", "10.0.0.0/8/8", ""}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

}  // namespace
}  // namespace gatehouse
